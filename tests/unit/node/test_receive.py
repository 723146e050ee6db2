"""Blobs arriving: resumed at the last good byte, verified, named when they are whole."""

from __future__ import annotations

import errno
import os
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.node.io.places import Places
from edgectl.node.receive import receive, want
from edgectl.node.receive import take as asked_for
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.errors import NotReady, Refused
from edgectl.wire.frame import FrameError, Frames

DATA = bytes(range(256)) * 300
DIGEST = digest_of(DATA)
BLOBS = {DIGEST: len(DATA)}


class Operator:
    """The other end of the link: sends what it is told to, and ends there."""

    def __init__(self) -> None:
        self._out: deque[bytes] = deque()

    def blob(self, digest: str, data: bytes, offset: int = 0, *, upto: int | None = None) -> Operator:
        """Announce the rest of a blob from `offset`; send it up to byte `upto` of the blob."""
        count = len(data) - offset
        self._out.append(canonical({"op": "blob", "digest": digest, "offset": offset, "bytes": count}) + b"\n")
        self._out.append(data[offset:upto])
        return self

    def beat(self) -> Operator:
        """Say that somebody is there."""
        self._out.append(b'{"op":"beat"}\n')
        return self

    def sent(self) -> Operator:
        """Say that all was sent."""
        self._out.append(b'{"op":"sent"}\n')
        return self

    def frames(self) -> Frames:
        """Return the node's end."""
        return Frames(self._read, lambda _: None)

    def _read(self, count: int) -> bytes:
        while self._out and not self._out[0]:
            self._out.popleft()
        if not self._out:
            return b""
        piece, self._out[0] = self._out[0][:count], self._out[0][count:]
        return piece


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a bare node."""
    return Places(tmp_path)


def take(places: Places, operator: Operator) -> set[str]:
    """Ask, then receive; returns what must come once more."""
    return receive(places, operator.frames(), want(places, BLOBS))


def test_a_blob_arrives_whole_and_is_wanted_no_more(places: Places) -> None:
    """It has its name, its bytes, and nothing stays staged."""
    assert take(places, Operator().blob(DIGEST, DATA).sent()) == set()
    assert places.blob(DIGEST).read_bytes() == DATA
    assert want(places, BLOBS) == []
    assert list(places.staging.iterdir()) == []


@pytest.mark.parametrize("upto", [0, 1, 32 * 1024, len(DATA) - 1])
def test_a_broken_link_costs_only_what_is_missing(places: Places, upto: int) -> None:
    """What came before the break is kept; the next deploy goes on at that byte."""
    with pytest.raises(FrameError):
        take(places, Operator().blob(DIGEST, DATA, upto=upto))
    assert not places.blob(DIGEST).exists()
    assert want(places, BLOBS) == [{"digest": DIGEST, "size": len(DATA), "have_bytes": upto}]
    assert take(places, Operator().blob(DIGEST, DATA, offset=upto).sent()) == set()
    assert places.blob(DIGEST).read_bytes() == DATA


def test_all_bytes_but_not_the_name(places: Places) -> None:
    """Killed after the last byte and before the check: zero bytes more settle it."""
    places.staging.mkdir(parents=True)
    (places.staging / f"{DIGEST[7:]}.part").write_bytes(DATA)
    assert want(places, BLOBS)[0]["have_bytes"] == len(DATA)
    assert take(places, Operator().blob(DIGEST, DATA, offset=len(DATA)).sent()) == set()
    assert places.blob(DIGEST).read_bytes() == DATA


def test_other_bytes_than_the_digest_says_are_thrown_away(places: Places) -> None:
    """Refused, not stored; the next deploy starts that blob anew and succeeds."""
    with pytest.raises(Refused, match="other bytes than its digest says") as caught:
        take(places, Operator().blob(DIGEST, DATA[:-1] + b"x").sent())
    assert caught.value.hint
    assert not places.blob(DIGEST).exists()
    assert want(places, BLOBS)[0]["have_bytes"] == 0
    assert take(places, Operator().blob(DIGEST, DATA).sent()) == set()


def test_too_much_staged_is_of_another_blob(places: Places) -> None:
    """It is not gone on with, and a look alone does not remove it."""
    part = places.staging / f"{DIGEST[7:]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA + b"more")
    assert want(places, BLOBS)[0]["have_bytes"] == 0
    assert part.exists()
    assert take(places, Operator().blob(DIGEST, DATA).sent()) == set()
    assert places.blob(DIGEST).read_bytes() == DATA


@pytest.mark.parametrize(
    "operator",
    [
        Operator().blob(DIGEST, DATA, offset=5),
        Operator().blob(DIGEST, DATA + b"more"),
        Operator().blob(digest_of(b"x"), b"x"),
        Operator().sent(),
    ],
    ids=["a gap", "too long", "not asked for", "nothing"],
)
def test_a_sender_that_does_not_keep_to_the_offer_is_an_end(places: Places, operator: Operator) -> None:
    """A gap, too many bytes, another blob, or none: the link ends and nothing gets a name."""
    with pytest.raises(FrameError):
        take(places, operator)
    assert not places.blob(DIGEST).exists()


def test_a_look_makes_nothing(places: Places) -> None:
    """A plan asks the same question, and writes nothing on the node."""
    assert want(places, BLOBS) == [{"digest": DIGEST, "size": len(DATA), "have_bytes": 0}]
    assert list(places.root.iterdir()) == []


def test_small_blobs_come_first(places: Places) -> None:
    """So a thin link shows progress, and the same order every time."""
    blobs = {digest_of(bytes([size])): size for size in (30, 10, 20, 10)}
    assert [item["size"] for item in want(places, blobs)] == sorted(blobs.values())
    assert want(places, blobs) == want(places, dict(reversed(blobs.items())))


def test_a_disk_that_is_too_small_is_said_before_the_first_byte(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 5, with what is free and what is needed; what is staged already is not needed again."""

    def disk(free: int) -> Any:
        return lambda _: SimpleNamespace(f_bavail=free, f_frsize=1)

    monkeypatch.setattr(os, "statvfs", disk(len(DATA)))
    with pytest.raises(NotReady, match=r"the disk has 0 MB free, 0 MB are needed") as caught:
        want(places, BLOBS)
    assert caught.value.hint
    monkeypatch.setattr(os, "statvfs", disk(len(DATA) + len(DATA) // 4))
    assert want(places, BLOBS)
    places.staging.mkdir(parents=True)
    (places.staging / f"{DIGEST[7:]}.part").write_bytes(DATA[:-100])
    monkeypatch.setattr(os, "statvfs", disk(200))
    assert want(places, BLOBS)


def test_a_disk_that_fills_up_on_the_way_keeps_what_came(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence that says so, and the next deploy goes on from there."""
    real = os.fsync
    calls: list[int] = []

    def full(fd: int) -> None:
        calls.append(fd)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotReady, match="No space left on device") as caught:
        take(places, Operator().blob(DIGEST, DATA).sent())
    assert "what has come is kept" in caught.value.hint
    have = want(places, BLOBS)[0]["have_bytes"]
    assert take(places, Operator().blob(DIGEST, DATA, offset=int(str(have))).sent()) == set()
    assert places.blob(DIGEST).read_bytes() == DATA


def test_a_beat_between_blobs_is_no_blob(places: Places) -> None:
    """A sender that has nothing to send yet may say so, at any place between two frames."""
    operator = Operator()
    operator.beat().blob(DIGEST, DATA).beat().sent()
    receive(places, operator.frames(), want(places, BLOBS))
    assert places.blob(DIGEST).read_bytes() == DATA


def test_a_sender_is_waited_for_less_long_than_an_operator(places: Places) -> None:
    """Law: whoever sends and falls silent keeps nobody out for more than 20 s."""
    patience: list[float] = []
    operator = Operator().blob(DIGEST, DATA).sent()

    def read(count: int) -> bytes:
        patience.append(frames.patience_seconds)
        return operator._read(count)

    frames = Frames(read, lambda _: None, patience_seconds=180.0)
    asked_for(places, frames, {"blobs": BLOBS})
    assert max(patience) < 20
    assert frames.patience_seconds == 180.0
