"""A node's registry in a folder, written by the node's own code, and a service that follows it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgectl.node.io.places import Places
from edgectl.node.models.registry import Registry as NodeRegistry
from edgectl.stack.inference import word
from edgectl.stack.inference.batch import Batching
from edgectl.stack.inference.registry import Registry
from edgectl.stack.inference.serve import Service
from edgectl.stack.inference.versions import Terms
from edgectl.stack.inference.watch import Watch
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock, SystemClock
from edgectl.wire.chain import Status
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Model
from tests.stack.inference.models import reference, scale

NAME = "scaler"


class Shelf:
    """The registry of one node, with one model."""

    def __init__(self, root: Path) -> None:
        self._places = Places(root)
        self._node = NodeRegistry(self._places)
        self.models = self._places.models
        (self.models / NAME).mkdir(parents=True)

    def put(self, version: str, full: bytes, *, fast: bytes = b"", known: dict[str, Any] | None = None) -> str:
        """Bring a version in; returns its folder."""
        files = {"model.onnx": full}
        if fast:
            files["fast.onnx"] = fast
        if known is not None:
            files["reference.json"] = json.dumps(known).encode()
        digests = {}
        for name, data in files.items():
            digests[name] = digest_of(data)
            blob = self._places.blob(digests[name])
            blob.parent.mkdir(parents=True, exist_ok=True)
            if not blob.exists():
                blob.write_bytes(data)
        model = Model(NAME, version, digests)
        self._node.bring(model)
        return model.folder

    def good(self, version: str, by: float, plus: float = 0.0, **more: Any) -> str:
        """Bring in a version that says `by` times the picture, with its golden answer."""
        return self.put(version, scale(by, plus), known=reference(by, plus), **more)

    def current(self, folder: str) -> None:
        """Let it run."""
        self._node.point(NAME, "current", folder)

    def previous(self, folder: str) -> None:
        """Say that it ran before."""
        self._node.point(NAME, "previous", folder)

    def file(self, folder: str, name: str) -> Path:
        """Return a file of a version."""
        return self.models / NAME / "versions" / folder / name

    def rollout(self, candidate: str, **changes: Any) -> None:
        """Write rollout.json as the node does."""
        doc = {
            "id": "r1",
            "strategy": "canary",
            "candidate": candidate,
            "version": candidate.rpartition("-")[0],
            "steps": [50],
            "soak_seconds": 0,
            "thresholds": {"agreement": 0.9, "latency_ratio": 50.0, "error_rate": 0.01, "drift": 0.25},
            "min_frames": 10,
            "since": 1764277200,
        }
        (self.models / NAME / "rollout.json").write_text(json.dumps({**doc, **changes}))

    def end_rollout(self) -> None:
        """Take rollout.json away."""
        (self.models / NAME / "rollout.json").unlink()


class Store:
    """A service over a registry; a test says when it looks."""

    def __init__(self, shelf: Shelf, *, clock: Clock | None = None, terms: Terms | None = None) -> None:
        self.said: list[str] = []
        clock = clock or SystemClock()
        self.board = Board("inference", "test", clock)
        self.service = Service(Batching())
        registry = Registry(shelf.models)
        self.watch = Watch(registry, self.service, clock=clock, terms=terms or Terms(), say=self.said.append)
        self._provider = (terms or Terms()).provider

    def look(self) -> Status:
        """Let it look at the registry once, and return what it then says of itself."""
        self.watch.tick()
        word.say(self.board, self.service, self.watch, provider=self._provider)
        return self.board.status()

    @property
    def version(self) -> str:
        """Which one runs."""
        current = self.service.stage.current
        return current.version if current is not None else ""


@contextmanager
def open_store(shelf: Shelf, **options: Any) -> Iterator[Store]:
    """Run the service."""
    store = Store(shelf, **options)
    thread = threading.Thread(target=store.service.run, daemon=True)
    thread.start()
    yield store
    lane = store.service.stage.lane
    if lane is not None:
        lane.close()
    store.service.close()
    thread.join(5)
    assert not thread.is_alive()
