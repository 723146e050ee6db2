"""A store of one node, in a folder: behind a real sshd and a shaped line, with the product's own code on both sides.

Owns the machine (server, line, root folder), what is offered to it, and the law that no live file is torn. Must not
know what is measured.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import edgectl
from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.offer import Offer
from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.runtime import RuntimeArchive, pack, sources
from edgectl.control.link.session import Session
from edgectl.control.link.target import Target
from edgectl.node.io.files import sha256_of
from edgectl.node.io.places import Places
from edgectl.node.models.registry import Registry
from edgectl.sandbox.link.link import Link
from tests.far.offer import noise, offered
from tests.far.sshd import Sshd, serve
from tests.ports import free_port
from tests.unit.control.deploy.silent import Silent

__all__ = ["FarStore", "far_store", "noise", "offered"]


@dataclass
class FarStore:
    """`near` is the door at the operator's end of the line; `sshd` serves the other end."""

    places: Places
    sshd: Sshd
    line: Link
    near: Target
    engine: RuntimeArchive
    beside_port: int = 0
    sessions: list[Session] = field(default_factory=list)

    def connect(self) -> Session:
        """Open a session over the line."""
        self.sessions.append(open_session(self.near, self.engine, state=str(self.places.state)))
        return self.sessions[-1]

    def deploy(self, offer: Offer, listener: Silent | None = None, *, patience_seconds: float = 900.0) -> Deploy:
        """Return a deploy of an offer, with the engine of this node, to be run."""
        offer = replace(offer, runtime=self.engine.digest)
        return Deploy(offer, self.connect, listener or Silent(), reconnect_seconds=patience_seconds)

    def write_door(self) -> Path:
        """Write down how to get in, for an operator in another process; returns the file."""
        folder = self.sshd.folder
        (folder / "engine.tar").write_bytes(self.engine.tar)
        near = self.near
        doc = {
            **{name: getattr(near, name) for name in ("node", "host", "port", "user", "host_key")},
            "key": str(near.keys[0]),
            "engine": self.engine.digest,
            "tar": str(folder / "engine.tar"),
            "state": str(self.places.state),
        }
        (folder / "door.json").write_text(json.dumps(doc))
        return folder / "door.json"

    def push_elsewhere(self, door: Path, models: Mapping[str, Path]) -> subprocess.Popen[str]:
        """Begin a deploy in a process of its own; its output is one JSON object."""
        words = [f"{ref}={path}" for ref, path in models.items()]
        argv = [sys.executable, "-m", "tests.far.push", str(door), *words]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])

    def receivers(self) -> list[int]:
        """Return the node's processes that answer an operator."""
        found = []
        for pid in self.sshd.children():
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"session" in words and any(self.engine.hex.encode() in word for word in words[:-1]):
                    found.append(pid)
        return found

    def kill_receivers(self) -> int:
        """Kill them as the kernel does when memory is out; returns how many."""
        found = self.receivers()
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def torn(self) -> list[str]:
        """Return every live file that is not whole: blobs, models that pods would read, what slots name."""
        wrong = [path for path in _files(self.places.blobs) if sha256_of(path) != f"sha256:{path.name}"]
        registry = Registry(self.places)
        for name in registry.names():
            for folder in registry.folders(name):
                note = registry.note(name, folder)
                place, files = registry.at(name, folder), note.files if note else {"model.json": ""}
                wrong += [place / file for file, digest in files.items() if sha256_of(place / file) != digest]
        slots = self.places.slots
        wrong += [path for path in _files(slots) if path.name == "envelope.json" and not _is_json(path)]
        wrong += [path for path in slots.glob("*") if path.is_symlink() and not (path / "envelope.json").is_file()]
        return [str(path) for path in wrong]

    def staged_bytes(self) -> int:
        """Return how many bytes lie half-received."""
        return sum(path.stat().st_size for path in _files(self.places.staging))


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _files(folder: Path) -> list[Path]:
    """Return the live files of a folder; those that a writer has not renamed yet begin with a dot."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


@contextmanager
def far_store(folder: Path, *, beside: int = 0) -> Iterator[FarStore]:
    """Bring one up. All of it is gone behind the block but the folder.

    `beside` is the port of another server here that shall be reached over the same line (`beside_port`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = Places(folder / "node")
    places.run.mkdir(parents=True)
    files = sources(Path(edgectl.__file__).parent)
    engine = pack({**files, "__main__.py": (Path(__file__).parent / "engine.py").read_bytes()})
    sshd = serve(folder / "sshd", "Subsystem sftp internal-sftp")
    line = Link(folder / "line")
    try:
        ours, theirs = free_port(), free_port()
        routes = {ours: sshd.port, **({theirs: beside} if beside else {})}
        line.start(Path("/proc/self/ns/net"), {near: ("127.0.0.1", far) for near, far in routes.items()})
        yield FarStore(places, sshd, line, replace(sshd.target, port=ours), engine, theirs)
    finally:
        line.stop()
        sshd.close()
