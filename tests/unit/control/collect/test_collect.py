"""One node asked for what it has to tell: whatever it says, and whatever the disk here does, is its answer alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, cast

import pytest

from edgectl.control.collect.collect import collect
from edgectl.control.collect.record import Record
from edgectl.control.deploy.look import Open
from edgectl.wire.errors import NotReady
from edgectl.wire.frame import Frames

ENTRY = {"op": "entry", "n": 1, "box": "9f3c", "kind": "verdict", "run": "", "bytes": 2}


class _Session:
    """A node that says these frames, an entry's bytes behind each entry."""

    link_bytes = 10

    def __init__(self, said: list[dict[str, Any]], data: bytes) -> None:
        self._said = iter([{"op": "hello"}, *said, {"op": "handed"}, {"op": "audited", "goes_on": True}])
        self._data = data
        self.frames = cast("Frames", self)

    def send(self, op: str, /, **fields: Any) -> None:
        """Take the question."""

    def receive(self) -> dict[str, Any]:
        """Say the next frame."""
        return next(self._said)

    def receive_bytes(self, count: int, sink: Any) -> None:
        """Say what follows it."""
        assert count
        sink(self._data)

    def close(self) -> None:
        """Hang up."""


def asked(folder: Path, said: list[dict[str, Any]], data: bytes = b"{}") -> dict[str, int]:
    """Collect from it; returns what is new."""
    return collect(cast("Open", lambda: _Session(said, data)), Record(folder, "store-042", "node-1")).new


def test_what_it_tells_is_kept(tmp_path: Path) -> None:
    """The plain case."""
    assert asked(tmp_path / "node-1", [ENTRY]) == {"verdict": 1}


MALFORMED = [
    *(({name: value for name, value in ENTRY.items() if name != key}, b"{}") for key in ENTRY if key != "op"),
    ({**ENTRY, "n": "many"}, b"{}"),
    ({**ENTRY, "bytes": None}, b"{}"),
    (ENTRY, b"[" * 100_000),
]


@pytest.mark.parametrize(("frame", "data"), MALFORMED)
def test_nonsense_is_that_nodes_answer(tmp_path: Path, frame: dict[str, Any], data: bytes) -> None:
    """Law: a node that tells nonsense ends no collect of a fleet: it is named, the others are asked."""
    with pytest.raises(NotReady, match="cannot be read"):
        asked(tmp_path / "node-1", [frame], data)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: no bug is reported for a disk that is full, and what came before is kept."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotReady, match="No space left"):
        asked(tmp_path / "node-1", [ENTRY])
