"""Blobs: from the last good byte, in order, capped, and with the node's own reason when it gives up."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest

from edgectl.control.link.blobs import send_blobs
from edgectl.control.link.known import Known, read_bases
from edgectl.control.link.pace import Pace
from edgectl.control.link.pieces import Base
from edgectl.wire.delta import sign
from edgectl.wire.errors import InvalidInput, NotReady
from edgectl.wire.frame import FrameError, Frames

_NOISE = random.Random(1).randbytes(1 << 20)  # noqa: S311 - it cannot be packed, that is all
_A, _B = ("sha256:" + letter * 64 for letter in "ab")


class _Node:
    """The far end: it stores what it is sent, and may stop listening after so many bytes, saying why."""

    def __init__(self, *, stops_after: int | None = None, saying: bytes = b"") -> None:
        self.got = b""
        self._stops_after = stops_after
        self._saying = saying
        self.frames = Frames(self._read, self._write)

    def _write(self, data: bytes) -> None:
        self.got += data
        if self._stops_after is not None and len(self.got) > self._stops_after:
            raise FrameError("the command on the node has ended")

    def _read(self, max_bytes: int) -> bytes:
        piece, self._saying = self._saying[:max_bytes], self._saying[max_bytes:]
        return piece


def _frame(op: str, **fields: object) -> bytes:
    return json.dumps({"op": op, **fields}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_each_goes_on_from_its_last_good_byte(tmp_path: Path) -> None:
    """A partial is continued, a complete one announced without bytes, an impossible one begun anew; then `sent`."""
    (tmp_path / "a").write_bytes(b"0123456789")
    node, gone = _Node(), list[int]()
    wanted = [
        {"digest": _A, "size": 10, "have_bytes": 4},
        {"digest": _B, "size": 3, "have_bytes": 3},
        {"digest": _B, "size": 3, "have_bytes": 99},
    ]
    sources: dict[str, Path | bytes] = {_A: tmp_path / "a", _B: b"xyz"}
    total = send_blobs(node.frames, wanted, sources, progress=lambda count, _: gone.append(count))
    assert node.got == (
        _frame("blob", digest=_A, offset=4, bytes=6)
        + b"456789"
        + _frame("blob", digest=_B, offset=3, bytes=0)
        + _frame("blob", digest=_B, offset=0, bytes=3)
        + b"xyz"
        + _frame("sent")
    )
    assert total == sum(gone) == 9


def test_the_limit_holds_on_average_and_a_pause_earns_no_burst(tmp_path: Path) -> None:
    """At 10 kB/s 100 kB take 10 s, on the injected clock."""
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    (tmp_path / "a").write_bytes(_NOISE[:100_000])
    send_blobs(
        _Node().frames,
        [{"digest": _A, "have_bytes": 0}],
        {_A: tmp_path / "a"},
        pace=Pace(lambda: 10_000, clock=lambda: now, sleep=sleep),
    )
    assert 9 < now - 100 <= 10


def test_the_nodes_own_reason_wins(tmp_path: Path) -> None:
    """When the node stops in the middle, people read why, not that a pipe broke."""
    (tmp_path / "a").write_bytes(_NOISE)
    said = _frame("note", reason="x") + _frame("error", **NotReady("the disk is full").to_json())
    with pytest.raises(NotReady, match="the disk is full"):
        send_blobs(_Node(stops_after=50_000, saying=said).frames, [{"digest": _A}], {_A: tmp_path / "a"})
    with pytest.raises(FrameError, match="has ended"):
        send_blobs(_Node(stops_after=50_000).frames, [{"digest": _A}], {_A: tmp_path / "a"})


def test_a_blob_that_is_not_here_is_named(tmp_path: Path) -> None:
    """No file, or none for this digest: the bundle is at fault, and the message says which part."""
    with pytest.raises(InvalidInput, match=r"the node wants aaaaaaaaaaaa .*No such file"):
        send_blobs(_Node().frames, [{"digest": _A}], {_A: tmp_path / "gone"})
    with pytest.raises(InvalidInput, match="it is in no bundle"):
        send_blobs(_Node().frames, [{"digest": _A}], {})


def test_a_file_that_shrinks_is_not_filled_up(tmp_path: Path) -> None:
    """A file that becomes shorter while it is sent ends the sending: no made-up bytes."""
    (tmp_path / "a").write_bytes(_NOISE)

    def shrink(_: int, __: int) -> None:
        (tmp_path / "a").write_bytes(bytes(10))

    with pytest.raises(InvalidInput, match="became shorter"):
        send_blobs(_Node().frames, [{"digest": _A}], {_A: tmp_path / "a"}, progress=shrink)


def test_a_node_whose_signature_takes_long_hears_that_somebody_reads_it() -> None:
    """Law: a sender that waits for bytes of the node is not taken for a dead one."""
    old = random.Random(2).randbytes(2 << 20)  # noqa: S311
    signature = sign(io.BytesIO(old), len(old))
    assert signature is not None
    packed = signature.pack()
    node = _Node(saying=packed)
    node.frames = Frames(lambda _: node._read(400), node._write)  # a thin line
    now = iter(range(10_000))
    base = {"size": signature.size, "block": signature.block, "bytes": len(packed)}
    found = read_bases(node.frames, [{"digest": _A, "base": base}], Known(), clock=lambda: float(next(now)))
    assert found == {_A: Base(signature, ())}
    assert node.got.count(_frame("beat")) * len(_frame("beat")) == len(node.got) > 0
