"""Docker engines of the tests' own: each with its own root, without network, ended by their pid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_START_SECONDS = 60.0
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Docker:
    """One engine."""

    host: str

    def run(self, *words: str, data: bytes | None = None, seconds: float = 120) -> bytes:
        """Run `docker` with it."""
        command = ["docker", "-H", self.host, *words]
        env = {**os.environ, "DOCKER_BUILDKIT": "0"}  # its builder is a plug-in that Debian packs apart
        return subprocess.run(command, input=data, capture_output=True, check=True, timeout=seconds, env=env).stdout

    def build(self, folder: Path, tag: str) -> None:
        """Build an image."""
        self.run("build", "-q", "-t", tag, str(folder))


Engines = Callable[[str], Docker]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Give a function that starts an engine by name, or returns the one that runs."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    if os.geteuid() != 0 or shutil.which("dockerd", path=path) is None or shutil.which("docker") is None:
        missing = "needs root, dockerd and docker (Debian: docker.io)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    home = tmp_path_factory.mktemp("docker")
    running: dict[str, tuple[Docker, subprocess.Popen[bytes]]] = {}

    def engine(name: str) -> Docker:
        if name not in running:
            root = home / name
            root.mkdir()
            docker = Docker(f"unix://{root}/socket")
            command = [str(shutil.which("dockerd", path=path)), "--iptables=false", "--bridge=none"]
            command += ["--data-root", f"{root}/data", "--exec-root", f"{root}/exec", "--pidfile", f"{root}/pid"]
            with (root / "log").open("wb") as log:
                process = subprocess.Popen([*command, "-H", docker.host], stdout=log, stderr=log)
            running[name] = docker, process
            _wait(docker, process, root / "log")
        return running[name][0]

    yield engine
    for _, process in running.values():
        process.send_signal(signal.SIGTERM)
    for _, process in running.values():
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(docker: Docker, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        asked = subprocess.run(["docker", "-H", docker.host, "version"], capture_output=True, check=False, timeout=30)
        if asked.returncode == 0:
            return
        time.sleep(0.1)
    pytest.fail(f"dockerd did not start:\n{log.read_text(errors='replace')[-3000:]}")
