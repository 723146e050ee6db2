"""A bench for the CUDA smoke: the real script in a real process, on the sandbox's libcuda.so.1, compiled here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.gpu.smoked import SCRIPT
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.sandbox.gpu.libcuda import cuda_library


def uuid(index: int) -> str:
    """Return the UUID of a sandbox's GPU."""
    return f"GPU-5a9dbc01-0000-4000-8000-{index:012d}"


@dataclass(frozen=True)
class Said:
    """How a smoke ended: exit code, its one JSON object, what it wrote besides."""

    code: int
    json: dict[str, Any]
    err: str

    @property
    def reason(self) -> str:
        """The sentence."""
        return str(self.json.get("reason", ""))


@dataclass
class Bench:
    """A pretend machine: its knobs, its device files, its library."""

    folder: Path
    library: Path

    def __post_init__(self) -> None:
        for name in ("gpu", "dev", "proc"):
            (self.folder / name).mkdir()
        for name in ("nvidiactl", "nvidia-uvm"):
            (self.folder / "dev" / name).touch()
        self.knob("built-in", "2")

    @property
    def env(self) -> dict[str, str]:
        """What the script is started with."""
        ours = {"SANDBOX_GPU": "gpu", "SANDBOX_DEV": "dev", "SANDBOX_PROC": "proc"}
        places = {name: str(self.folder / place) for name, place in ours.items()}
        return {"PATH": os.defpath, "LD_LIBRARY_PATH": str(self.library.parent), **places}

    def knob(self, name: str, text: str) -> None:
        """Write a knob."""
        (self.folder / "gpu" / name).write_text(text + "\n")

    def loaded(self, version: str) -> None:
        """Let the kernel run a driver of this version."""
        path = self.folder / "proc/driver/nvidia/version"
        path.parent.mkdir(parents=True)
        path.write_text(f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (host)\n")

    def lose(self, name: str) -> None:
        """Take a device file away."""
        (self.folder / "dev" / name).unlink()

    def smoke(self, *argv: str, **env: str) -> Said:
        """Run the script to its end."""
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), *argv],
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert len(lines) == 1, (done.stdout, done.stderr)
        return Said(done.returncode, json.loads(lines[0]), done.stderr)

    def look(self) -> Look:
        """Return the session of a node whose programs find this machine's GPUs."""
        return _Node(self)


class _Node(Look):
    """A Look with the bench's variables: a node's library lies where the loader looks by itself."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(Places(bench.folder))
        self._env = [f"{name}={value}" for name, value in bench.env.items()]

    def run(self, *argv: str, limit_seconds: float = 20.0, stdin: bytes = b"") -> Ran:
        return super().run("env", *self._env, *argv, limit_seconds=limit_seconds, stdin=stdin)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled library, in a cache of its own."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return cuda_library()


@pytest.fixture
def bench(tmp_path: Path, library: Path) -> Bench:
    """Return a machine with two good GPUs."""
    return Bench(tmp_path, library)


def gone(pattern: str) -> bool:
    """Wait until no process has this in its environment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not _alive(pattern.encode()):
            return True
        os.sched_yield()
    return False


def _alive(pattern: bytes) -> bool:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if pattern in (folder / "environ").read_bytes():
                    return True
            except OSError:
                continue
    return False
