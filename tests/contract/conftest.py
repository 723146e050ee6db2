"""Which k3s is tried, on what, and where the results go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # rows are modules of this folder, not of the package

from tests.contract.archive import renamed
from tests.contract.bench import Bench
from tests.contract.node import Node
from tests.contract.page import PAGE, Results, render, told

_STORE = "contract"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract")
    group.addoption("--k3s", default="", metavar="PATH", help="the k3s binary to try (default: the stand-in)")
    group.addoption("--write-page", action="store_true", help="write results into docs/contract.md")


@pytest.fixture(scope="session")
def binary(request: pytest.FixtureRequest) -> Path:
    from edgectl.sandbox.k3s.build import standin_binary

    given = request.config.getoption("--k3s", default="")
    return Path(given).resolve(strict=True) if given else standin_binary()


@pytest.fixture(scope="session")
def column(binary: Path) -> str:
    """Whose behaviour is tried: the stand-in says so itself, in place of a commit."""
    import subprocess

    said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return "standin" if "(standin)" in said else "official"


@pytest.fixture(scope="session")
def bench(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Make a bare server with k3s started once, and a bare agent."""
    from edgectl.sandbox.gpu.images import coredns, pause
    from edgectl.sandbox.k3s.build import system_tags
    from edgectl.sandbox.machine.sandbox import Sandbox

    sandbox = Sandbox()
    if any(store.name == _STORE for store in sandbox.stores()):
        sandbox.down(_STORE)
    store = sandbox.up(_STORE, nodes=2, gpus=0)
    try:
        server, agent = (
            Node(record.name, record.address, store.machine(record.name).entrance) for record in store.record.nodes
        )
        tags = system_tags(binary)
        images = [
            _tagged(image.path, image.refs[0], tags[image.refs[0].split("/")[-1].split(":")[0]], tmp_path_factory)
            for image in (pause(), coredns())
        ]
        made = Bench(server, agent, binary, tuple(images))
        unit = made.install(server, role="server", config=made.config)
        agent.put("/usr/local/bin/k3s", binary, "0755")
        server.sh(f"systemctl start {unit}", limit_seconds=180)
        server.wait("the node is ready", lambda: " Ready " in server.kubectl("get nodes"), limit_seconds=120)
        yield made
    finally:
        sandbox.down(_STORE)


def _tagged(archive: Path, name: str, tag: str, folders: pytest.TempPathFactory) -> Path:
    """Return the archive under the tag that the tried k3s looks for."""
    if name.endswith(f":{tag}"):
        return archive
    copy = folders.mktemp("image") / archive.parent.name / archive.name
    copy.parent.mkdir()
    copy.write_bytes(renamed(archive, f"{name.rpartition(':')[0]}:{tag}"))
    return copy


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, column: str) -> Iterator[dict[str, str]]:
    """Collect what each row came to; write it into the page when that was asked for."""
    found: dict[str, str] = {}
    yield found
    if request.config.getoption("--write-page", default=False):
        known = told(PAGE.read_text()) if PAGE.exists() else Results()
        PAGE.write_text(render(known.replaced(column, found)))
