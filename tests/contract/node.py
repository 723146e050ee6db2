"""One node as the contract suite sees it: run a program, put a file, wait for something.

Must not know k3s, nor how the machine came to be: `entrance` says which words, put before a command, run it inside.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Return both outputs."""
        return f"{self.out}\n{self.err}"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of a store, entered as root."""

    name: str
    address: str
    entrance: Callable[[], tuple[str, ...]]

    def sh(self, script: str, *, check: bool = True, limit_seconds: float = 60, stdin: bytes = b"") -> Said:
        """Run a shell script on the node."""
        done = subprocess.run(
            [*self.entrance(), "sh", "-c", script], input=stdin, capture_output=True, timeout=limit_seconds, check=False
        )
        said = Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        assert not check or said.code == 0, f"{script!r} on {self.name} ended with {said.code}: {said.all.strip()}"
        return said

    def put(self, path: str, data: bytes | str | Path, mode: str = "0644") -> None:
        """Write a file beside its place, then rename it there."""
        if isinstance(data, Path):
            data = data.read_bytes()
        script = f"mkdir -p $(dirname {path}) && cat > {path}.part && chmod {mode} {path}.part && mv {path}.part {path}"
        self.sh(script, stdin=data.encode() if isinstance(data, str) else data, limit_seconds=300)

    def read(self, path: str) -> str:
        """Return a file's text."""
        return self.sh(f"cat {path}").out

    def mode(self, path: str) -> str:
        """Return the octal mode of what a path leads to."""
        return self.sh(f"stat -L -c %a {path}").out.strip()

    def exists(self, path: str) -> bool:
        """Whether there is something at a path."""
        return self.sh(f"test -e {path}", check=False).code == 0

    def kubectl(self, words: str) -> str:
        """Ask the cluster."""
        return self.sh(f"k3s kubectl {words}").out

    def get(self, words: str) -> Any:
        """Return one object, or a list of them, as JSON."""
        return json.loads(self.kubectl(f"get {words} -o json"))

    def wait(self, what: str, asked: Callable[[], bool], *, limit_seconds: float = 60) -> None:
        """Ask until it is so; fails at the deadline."""
        ends = time.monotonic() + limit_seconds
        while not asked():
            assert time.monotonic() < ends, f"{what}: not so after {limit_seconds:.0f} s"
            time.sleep(0.5)
