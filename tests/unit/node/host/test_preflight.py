"""A shell probe's exit code becomes an observation."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import LookFailed, Status
from edgectl.node.host.preflight import SCRIPT, Preflight, judge
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import FakeNode, ran


@pytest.mark.parametrize(("code", "status"), [(0, Status.CURRENT), (1, Status.IN_PROGRESS), (2, Status.FAILED)])
def test_ready_not_yet_never(code: int, status: Status) -> None:
    """Three exit codes, and the line it printed is the reason."""
    seen = judge(ran("Debian 12, clock ok\n", code=code))
    assert (seen.status, seen.reason) == (status, "Debian 12, clock ok")


@pytest.mark.parametrize("code", [3, 126, 127, -9, None])
def test_any_other_end_is_no_look(code: int | None) -> None:
    """A script that is missing, killed or out of time has seen nothing: never fine."""
    with pytest.raises(LookFailed) as caught:
        judge(ran(code=code, err="sh: not found"))
    assert caught.value.evidence


@pytest.mark.parametrize(("must", "asked"), [(True, "1000000"), (False, "0")])
def test_room_is_demanded_only_of_what_is_new(
    node: FakeNode,
    monkeypatch: pytest.MonkeyPatch,
    must: bool,  # noqa: FBT001 - a table's column
    asked: str,
) -> None:
    """What runs already goes on with less, degraded: a disk that fills must not keep a rebooted store dark."""
    told: list[tuple[str, ...]] = []

    def run(*argv: str) -> Ran:
        told.append(argv)
        return ran("Debian 12")

    node.on_run = run
    free = 1000
    monkeypatch.setattr(node, "free_bytes", lambda _: free)
    seen = Preflight(1_000_000, must=must).probe(node)
    assert told[0][2] == asked
    assert (seen.status, "wanted" in seen.degraded) == (Status.CURRENT, True)
    free = 1_000_000
    assert Preflight(1_000_000, must=must).probe(node).degraded == ""


@pytest.mark.programs("a shell script is tested by a shell")
@pytest.mark.parametrize(
    ("release", "code", "runs", "said"),
    [
        ('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"', 0, (), "Debian 12, "),
        ('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"', 0, (), "Ubuntu 24.04.1 LTS, "),
        ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"', 2, (), "Debian 11 is not supported: install Debian"),
        ('ID=arch\nPRETTY_NAME="Arch Linux"', 2, (), "Arch Linux is not supported"),
        ('ID=debian\nVERSION_ID="14"\nPRETTY_NAME="Debian 14"', 0, ("runs",), "Debian 14 (not supported), "),
    ],
)
def test_a_system_is_known_by_name(tmp_path: Path, release: str, code: int, runs: tuple[str, ...], said: str) -> None:
    """Others are refused by name; a store that runs goes on after its system was upgraded."""
    if os.geteuid() != 0 or not Path("/usr/bin/awk").exists():
        pytest.skip("NOT CHECKED: the script needs root")
    (tmp_path / "etc").mkdir()
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text(release + "\n")
    ran = subprocess.run(
        ["/bin/sh", str(SCRIPT), "0", str(tmp_path), *runs],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"EDGECTL_ROOT": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    assert (ran.returncode, ran.stdout.startswith(said), ran.stderr) == (code, True, ""), ran.stdout


def test_a_system_that_is_not_known_degrades_what_runs(node: FakeNode) -> None:
    """The script's words become the sentence."""
    node.on_run = lambda *_: ran("Debian 14 (not supported), 10 GiB free")
    seen = Preflight(0, must=False).probe(node)
    assert (seen.status, seen.degraded) == (Status.CURRENT, "Debian 14 is not supported")


def test_it_asks_about_the_disk_of_the_state(node: FakeNode) -> None:
    """On a bare node, where that folder is not there yet, about the root."""
    asked: list[tuple[str, ...]] = []

    def run(*argv: str) -> Ran:
        asked.append(argv)
        return ran("fine")

    node.on_run = run
    Preflight(1000).probe(node)
    node.places.state.mkdir(parents=True)
    Preflight(1000).probe(node)
    assert asked == [
        ("sh", str(SCRIPT), "1000", str(node.places.root)),
        ("sh", str(SCRIPT), "1000", str(node.places.state)),
    ]
