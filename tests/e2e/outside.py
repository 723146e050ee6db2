"""What a store meets beyond its own network: a sink behind the gateway, the way to it, and who listens to receipts.

Owns: their processes, which live on this machine, so that a node's power cut takes nothing from them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.operator import ROOT

ADDRESS, PORT = "198.51.100.7", 8080  # RFC 5737: nobody's
SINK = f"http://{ADDRESS}:{PORT}"


@dataclass(frozen=True, slots=True)
class Count:
    """What the sink has, and what came to it twice."""

    events: int
    duplicates: int


class Sink:
    """A sink of the store's downstream, reached by the nodes over their gateway."""

    def __init__(self, store: SandboxStore, folder: Path, clock: str) -> None:
        self._store, self._netns = store, store.place.netns_path
        self.open()
        module = ("edgectl.stack.sink", "--port", str(PORT), "--db", str(folder / "sink.db"))
        self._child = _inside(self._netns, module, {"EDGECTL_CLOCK": clock}, folder / "sink.log")

    def open(self) -> None:
        """Let the way lead there."""
        run(["ip", "-n", self._store.place.netns, "addr", "replace", f"{ADDRESS}/32", "dev", "lo"])

    def cut(self) -> None:
        """Let nothing arrive there any more."""
        run(["ip", "-n", self._store.place.netns, "addr", "del", f"{ADDRESS}/32", "dev", "lo"])

    def count(self) -> Count:
        """Ask it how many it has."""
        doc = json.loads(self._asked("/count"))
        return Count(doc["events"], doc["duplicates"])

    def ids(self) -> set[str]:
        """Ask it which ones it has."""
        return set(self._asked("/ids").split())

    def end(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait(5)

    def _asked(self, path: str) -> str:
        here = f"http://127.0.0.1:{PORT}{path}"  # whether the way leads there or not
        return run(["nsenter", f"--net={self._netns}", "curl", "-sSf", "-m", "20", here]).out


@dataclass(slots=True)
class Receipts:
    """Every id of which the uplink has said that it is safe, as heard on the store's bus."""

    store: SandboxStore
    folder: Path
    bus: str  # the address of its Service
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _files: list[Path] = field(default_factory=list, init=False)

    def listen(self) -> None:
        """Begin; again after each boot, whose network is another one."""
        self._files.append(self.folder / f"receipts-{len(self._files)}")
        leader = next(word for word in self.store.machine().entrance() if word.startswith("--target="))
        netns = Path(f"/proc/{leader.partition('=')[2]}/ns/net")
        self._child = _inside(netns, ("tests.e2e.receipts", self.bus, "1883"), {}, self._files[-1])

    def end(self) -> None:
        """End."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(5)
            self._child = None

    def ids(self) -> set[str]:
        """Return all that were heard so far: whole lines."""
        found: set[str] = set()
        for file in self._files:
            whole, _, _ = file.read_text().rpartition("\n")
            found.update(whole.split())
        return found


def _inside(netns: Path, module: tuple[str, ...], env: dict[str, str], out: Path) -> subprocess.Popen[bytes]:
    """Start a Python module of this tree in another network; what it says goes to `out`."""
    with out.open("wb") as said:
        return subprocess.Popen(
            ["nsenter", f"--net={netns}", sys.executable, "-m", *module],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.DEVNULL if "receipts" in out.name else said,
        )
