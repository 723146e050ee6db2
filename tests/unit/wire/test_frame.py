"""Frames: lines and bytes over anything that reads and writes, however it is cut into pieces."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire import frame
from edgectl.wire.frame import FrameError, Frames


def pieces(data: bytes, sizes: Iterable[int]) -> Callable[[int], bytes]:
    """Return a read that hands out `data` in pieces of these sizes (never more than asked), then ends."""
    left, cut = bytearray(data), iter(sizes)

    def read(count: int) -> bytes:
        size = min(count, next(cut, count), len(left))
        piece = bytes(left[:size])
        del left[:size]
        return piece

    return read


def reader(data: bytes, *sizes: int) -> Frames:
    """Return frames that only read."""
    return Frames(pieces(data, sizes), lambda _: None)


def sent(*frames: tuple[dict[str, int], bytes]) -> bytes:
    """Return what a sender writes for these frames with their bytes."""
    out = bytearray()
    writer = Frames(lambda _: b"", out.extend)
    for fields, data in frames:
        writer.send("blob", **{**fields, "bytes": len(data)})
        writer.send_bytes(data)
    return bytes(out)


@given(
    blobs=st.lists(st.binary(max_size=60), max_size=4),
    sizes=st.lists(st.integers(min_value=1, max_value=40), max_size=60),
)
def test_pieces_do_not_matter(blobs: list[bytes], sizes: list[int]) -> None:
    """However the bytes are split on their way, each frame and each blob arrives whole and in order."""
    link = reader(sent(*(({"n": index}, blob) for index, blob in enumerate(blobs))), *sizes)
    for index, blob in enumerate(blobs):
        found = link.receive()
        assert (found["op"], found["n"]) == ("blob", index)
        got = bytearray()
        link.receive_bytes(int(found["bytes"]), got.extend)
        assert bytes(got) == blob
    with pytest.raises(FrameError, match="ended"):
        link.receive()


def test_bytes_after_a_line_in_the_same_piece_are_not_lost() -> None:
    """Raw bytes that came with the announcing line belong to the blob, and what follows them to the next frame."""
    link = reader(b'{"op":"blob","bytes":3}\nabc{"op":"sent"}\n')
    got = bytearray()
    link.receive_bytes(link.receive()["bytes"], got.extend)
    assert (bytes(got), link.receive()["op"]) == (b"abc", "sent")


@pytest.mark.parametrize("data", [b"", b'{"op":"hel', b'{"op":"hello"}'])
def test_a_torn_line_is_an_end(data: bytes) -> None:
    """A line without its newline was never a frame: the link has ended, and what came is kept as evidence."""
    with pytest.raises(FrameError, match="the other side ended") as caught:
        reader(data).receive()
    assert caught.value.seen == data


def test_a_blob_that_ends_early_says_how_much_is_missing() -> None:
    """What came before the end was handed on: a transfer resumes there."""
    got = bytearray()
    with pytest.raises(FrameError, match="ended 4 bytes before"):
        reader(b"abcdef").receive_bytes(10, got.extend)
    assert bytes(got) == b"abcdef"


@pytest.mark.parametrize(
    "noise",
    [
        b"Welcome to Debian!\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'{"no":"op"}\n',
        b'{"op":1}\n',
        b"\n",
        b"sudo: a password is required\nmore",
        b"[" * 200_000 + b"\n",
    ],
)
def test_noise_is_no_frame_and_is_shown(noise: bytes) -> None:
    """A login banner, a shell's error, or JSON of absurd depth is no frame; what came is evidence."""
    with pytest.raises(FrameError, match="does not speak edgectl frames") as caught:
        reader(noise).receive()
    assert caught.value.seen == noise.replace(b"\n", b"", 1)


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless noise without a newline never fills the memory."""
    monkeypatch.setattr(frame, "LINE_LIMIT_BYTES", 1000)
    with pytest.raises(FrameError, match="too long"):
        Frames(lambda _: b"x" * 600, lambda _: None).receive()


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_frame_or_a_frame_error(data: bytes) -> None:
    """Whatever the other side writes, there is no third end."""
    link = reader(data)
    try:
        while True:
            assert isinstance(link.receive()["op"], str)
    except FrameError:
        return


def test_patience_ends_with_its_block() -> None:
    """Law: less patience is for a while, and a block never gives more of it than there was."""
    link = Frames(lambda _: b"", lambda _: None, patience_seconds=180.0)
    with link.patience(19.0):
        assert link.patience_seconds == 19.0
        with link.patience(300.0):
            assert link.patience_seconds == 19.0
        with pytest.raises(FrameError):
            _impatient(link)
        assert link.patience_seconds == 19.0
    assert link.patience_seconds == 180.0


def _impatient(link: Frames) -> None:
    with link.patience(1.0):
        link.receive()


_EVENTS = st.lists(st.dictionaries(st.sampled_from(["event", "offset"]), st.text() | st.integers()), max_size=9)


@given(_EVENTS, st.lists(st.integers(1, 40), max_size=30))
def test_frames_sent_together_come_one_by_one(events: list[dict[str, object]], sizes: list[int]) -> None:
    """Law: packed or not, whoever receives sees each frame, in order, and what follows them."""
    out = bytearray()
    writer = Frames(lambda _: b"", out.extend)
    writer.send_all("event", events)
    writer.send("end")
    frames = reader(bytes(out), *sizes)
    assert [frames.receive() for _ in events] == [{"op": "event", **one} for one in events]
    assert frames.receive() == {"op": "end"}


def test_many_alike_cost_little_and_one_write() -> None:
    """Law: a no-op's events are a few hundred bytes, in one write; what is long is packed in pieces."""
    wrote: list[bytes] = []
    writer = Frames(lambda _: b"", wrote.append)
    events = [{"event": {"kind": "step", "word": "ok", "title": f"step {n}"}, "offset": n * 200} for n in range(30)]
    writer.send_all("event", events)
    assert len(wrote) == 1
    assert len(wrote[0]) < 500
    wrote.clear()
    writer.send_all("event", [{"event": "x" * 700_000}] * 3)
    assert len(wrote) == 3
    frames = reader(b"".join(wrote))
    assert [len(frames.receive()["event"]) for _ in range(3)] == [700_000] * 3


@pytest.mark.parametrize(
    "data",
    [
        zlib.compress(b"a" * (frame.LINE_LIMIT_BYTES + 1)),
        zlib.compress(b'{"op":"end"}'),
        zlib.compress(b'{"op":"end"}\n') + b"more",
        zlib.compress(b'{"op":"end"}\n')[:-2],
        b"no zlib at all",
        b"",
    ],
    ids=["bomb", "no end", "more behind", "cut", "noise", "nothing"],
)
def test_what_is_packed_wrongly_is_a_frame_error(data: bytes) -> None:
    """Law: no more is unpacked than a sender packs, and nothing half."""
    head = b'{"bytes":%d,"op":"packed"}\n' % len(data)
    with pytest.raises(FrameError, match="pack"):
        reader(head + data).receive()
