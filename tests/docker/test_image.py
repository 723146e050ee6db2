"""edgectl's image: built from the wheel, on a base of this machine's mirror, by a real engine without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import edgectl
from tests.docker.conftest import Engines

ROOT = Path(__file__).parents[2]
_BASE = "edgectl/sandbox/python"


def test_the_file_keeps_its_promises() -> None:
    """Law: no default base (whoever builds pins one), two stages, not root, no cache, nothing but the wheels."""
    text = (ROOT / "Containerfile").read_text()
    assert re.search(r"^ARG BASE$", text, re.MULTILINE)
    assert re.findall(r"^FROM (.*)$", text, re.MULTILINE) == ["${BASE} AS build", "${BASE}"]
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "pip" not in last
    assert text.count("pip install") == text.count("--no-cache-dir") == text.count("--no-index") == 1
    assert (ROOT / ".dockerignore").read_text().split() == ["*", "!Containerfile", "!dist/wheels"]


@pytest.mark.long
def test_it_is_built_and_runs(engines: Engines, tmp_path: Path) -> None:
    """Law: `docker run IMAGE version` says the version, not as root, on a disk that is read only, without a network.

    The base is what debootstrap makes of this machine's mirror: no registry is asked.
    """
    if shutil.which("debootstrap") is None:
        pytest.skip("needs debootstrap")
    wheels = tmp_path / "context/dist/wheels"
    wheels.mkdir(parents=True)
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("*.whl")
    lock = ("-c", str(ROOT / "requirements.lock"), "--only-binary=:all:")
    _run(sys.executable, "-m", "pip", "download", "-q", "-d", str(wheels), *lock, str(wheel))
    root = tmp_path / "root"
    _run("debootstrap", "--variant=minbase", "--include=python3,python3-venv", "bookworm", str(root))
    archive = tmp_path / "base.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(root, ".", filter=lambda found: None if found.isdev() else found)
    docker = engines("image")
    docker.run("import", str(archive), _BASE)
    base = docker.run("image", "inspect", "-f", "{{.Id}}", _BASE).decode().strip()
    for name in ("Containerfile", ".dockerignore"):
        shutil.copy(ROOT / name, tmp_path / "context")
    context = str(tmp_path / "context")
    docker.run(
        *("build", "-q", "--network", "none", "--build-arg", f"BASE={base}"),
        *("-f", f"{context}/Containerfile", "-t", "edgectl", context),
        seconds=600,
    )
    ran = ("run", "--rm", "--network", "none", "--read-only")
    assert edgectl.__version__ in docker.run(*ran, "edgectl", "version").decode()
    assert docker.run(*ran, "--entrypoint", "id", "edgectl", "-u").decode().strip() == "10001"
    assert b"Usage: edgectl" in docker.run(*ran, "edgectl")
    found = docker.run(
        *ran, "--entrypoint", "sh", "edgectl", "-c", "ls -d /wheels /root/.cache /opt/edgectl/bin/pip; true"
    )
    assert found == b""


def _run(*argv: str) -> None:
    env = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    subprocess.run(argv, check=True, capture_output=True, timeout=600, env=env)
