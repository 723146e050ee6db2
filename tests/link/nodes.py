"""Two nodes of one store: real processes of the real engine, on loopback; their lines are pipes that count."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from edgectl.control.deploy.content import Content, Part
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.neighbours import Neighbours, Place
from edgectl.control.deploy.offer import Offer
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.session import Session
from edgectl.node.io.places import Places
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Sender
from edgectl.wire.frame import FrameError, Frames
from tests.unit.control.deploy.silent import Silent

_ENGINE = """
import sys
from pathlib import Path
from edgectl.node.io.places import Places
from edgectl.node.session import serve
serve(Places(Path(sys.argv[1])))
"""


class Spoken:
    """One session with a node's own process."""

    key = "SHA256:test"
    engine_sent = False
    queued_bytes = 0

    def __init__(self, node: StoreNode) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ENGINE, str(node.places.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.frames = Frames(self._read, self._write)
        self.link_bytes = 0
        self._node = node

    def _read(self, count: int) -> bytes:
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), count)
        if not data:
            raise LinkLost("the link is lost")
        self.link_bytes += len(data)
        self._node.line_bytes += len(data)
        return data

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.process.stdin.fileno(), view) :]
            except (OSError, ValueError) as error:
                raise FrameError("the other side has ended") from error
        self.link_bytes += len(data)
        self._node.line_bytes += len(data)

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """Hang up, as sshd tells the engine."""
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()


@dataclass
class StoreNode:
    """One node in a folder; `line_bytes` is all that its sessions have carried, both ways."""

    name: str
    places: Places
    address: str
    line_bytes: int = 0
    sessions: list[Spoken] = field(default_factory=list)

    def connect(self) -> Session:
        """Start a session."""
        self.sessions.append(Spoken(self))
        return cast("Session", self.sessions[-1])

    def put(self, data: bytes, *, digest: str = "") -> str:
        """Let it hold a blob."""
        digest = digest or digest_of(data)
        self.places.blobs.mkdir(parents=True, exist_ok=True)
        self.places.blob(digest).write_bytes(data)
        return digest

    def holds(self, blobs: Mapping[str, Any]) -> bool:
        """Tell whether it holds all these, whole, and nothing half."""
        whole = all(
            self.places.blob(digest).is_file() and digest_of(self.places.blob(digest).read_bytes()) == digest
            for digest in blobs
        )
        return whole and not any(self.places.staging.glob("*"))

    def end(self) -> None:
        """End every process of it that is left."""
        for session in self.sessions:
            session.close()
            session.process.kill()
            session.process.wait(10)


@dataclass
class Heard(Silent):
    """What was said."""

    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember."""
        self.notes.append(sentence)


@dataclass
class Store:
    """A store of two nodes, and the blobs that a deploy of it offers: some for the lead alone."""

    lead: StoreNode
    agent: StoreNode
    shared: dict[str, bytes]
    alone: dict[str, bytes]
    heard: Heard = field(default_factory=Heard)
    line: Line = field(default_factory=Line)

    def content(self) -> Content:
        """Return what brings the content to both."""
        blobs = {**self.shared, **self.alone}
        offer = Offer(
            "store-042",
            "node-1",
            "sha256:" + "0" * 64,
            "sha256:" + "1" * 64,
            {digest: len(data) for digest, data in blobs.items()},
            dict(blobs),
            Sender("ada", "laptop"),
        )
        other = replace(offer, node="node-2", blobs={digest: len(data) for digest, data in self.shared.items()})
        listener = cast("Listener", self.heard)
        near = Neighbours({node.name: Place(node.connect, node.address) for node in self.nodes}, self.line)
        lead = Part(offer, self.lead.connect, listener)
        return Content(lead, {"node-2": Part(other, self.agent.connect, listener)}, self.line, near)

    @property
    def nodes(self) -> tuple[StoreNode, StoreNode]:
        """Both."""
        return self.lead, self.agent

    @property
    def is_whole(self) -> bool:
        """Whether both hold what they should."""
        return self.lead.holds({**self.shared, **self.alone}) and self.agent.holds(self.shared)


def store(folder: Path, *, seed: int = 1, sizes: tuple[int, ...] = (3_000_000, 400_000, 7, 0)) -> Store:
    """Return two bare nodes."""
    draw = random.Random(seed)  # noqa: S311 - bytes that cannot be packed, that is all
    shared = {digest_of(data): data for data in map(draw.randbytes, sizes)}
    alone = {digest_of(data): data for data in map(draw.randbytes, (50_000,))}
    lead, agent = (StoreNode(f"node-{n}", Places(folder / f"node-{n}"), f"127.0.0.{n}") for n in (1, 2))
    return Store(lead, agent, shared, alone)
