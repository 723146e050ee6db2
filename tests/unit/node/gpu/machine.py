"""A machine for the GPU probes: a folder as its root, and stand-ins for the programs that they ask.

Owns: how a script is run there. PATH holds the stand-ins first and no NVIDIA program of the real machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import edgectl.node.gpu.driver as beside

SCRIPTS = Path(str(beside.__file__)).parent
_REAL = [
    "sh",
    "awk",
    "basename",
    "cat",
    "cut",
    "date",
    "dirname",
    "env",
    "find",
    "grep",
    "head",
    "ls",
    "mkdir",
    "mknod",
    "od",
    "printf",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "sort",
    "tail",
    "timeout",
    "touch",
    "tr",
    "uname",
]


class Machine:
    """A node on which nothing of NVIDIA is installed yet. `scripts`: the folder of the probes that run there."""

    scripts = SCRIPTS

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.root.mkdir()
        for name in _REAL:
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)
        for name in ("journalctl", "dmesg", "modprobe", "systemctl", "ldconfig", "modinfo"):
            self.program(name, code=1)

    def file(self, path: str, text: str = "", *, mode: int = 0o644) -> Path:
        """Write a file of the machine."""
        found = self.root / path
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(text)
        found.chmod(mode)
        return found

    def program(self, name: str, out: str = "", *, code: int = 0, script: str = "") -> None:
        """Install a stand-in that says something and ends, or is a script of its own."""
        (self.programs / f"{name}.out").write_text(out)
        body = script or f'cat "{self.programs}/{name}.out"\nexit {code}\n'
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)

    def run(self, script: str, arguments: Sequence[str] = ()) -> tuple[int, list[str]]:
        """Run a probe; returns its exit code and the lines it said. A word on stderr is a fault of the script."""
        ran = subprocess.run(
            ["/bin/sh", str(self.scripts / script), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": str(self.programs), "EDGECTL_ROOT": str(self.root), "LC_ALL": "C", "HOME": os.sep},
        )
        assert ran.stderr == ""
        return ran.returncode, ran.stdout.splitlines()
