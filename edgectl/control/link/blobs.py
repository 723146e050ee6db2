"""Blobs over frames: the wanted ones, in the order asked for, each from its last good byte, capped when asked.

Owns the sending side. Must not know SSH or what a blob is; the node verifies every digest itself.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from edgectl.control.link.pace import Pace
from edgectl.control.link.pieces import Packing, Piece, Read, delta, plain
from edgectl.wire.delta import DeltaError, Signature
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, InvalidInput
from edgectl.wire.frame import FrameError, Frames

_MOST_SIGNATURE_BYTES = 64 * 1024 * 1024
_BEAT_SECONDS = 3.0  # the node waits 18 s for a word of whoever sends to it


def signatures(
    frames: Frames, wanted: Iterable[Mapping[str, Any]], *, clock: Callable[[], float] = time.monotonic
) -> dict[str, Signature]:
    """Read the signatures that follow a `want`, of what the node has: digest of a wanted blob -> its base's.

    One that cannot be read is as none: the blob is sent whole. On a thin line they take a while, in which the node is
    told that somebody is there.
    """
    said = clock()

    def came(data: bytes) -> None:
        nonlocal said
        packed.extend(data)
        if clock() - said >= _BEAT_SECONDS:
            said = clock()
            frames.send("beat")

    found: dict[str, Signature] = {}
    for item in wanted:
        base = item.get("base")
        if not base:
            continue
        packed, count = bytearray(), int(base["bytes"])
        if not 0 <= count <= _MOST_SIGNATURE_BYTES:
            raise FrameError(f"a signature of {count} bytes")
        frames.receive_bytes(count, came)
        try:
            found[str(item["digest"])] = Signature.unpack(int(base["size"]), int(base["block"]), bytes(packed))
        except DeltaError:
            continue
    return found


def send_blobs(
    frames: Frames,
    wanted: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Path | bytes],
    *,
    bases: Mapping[str, Signature] = MappingProxyType({}),
    progress: Callable[[int, int], object] = lambda _, __: None,
    pace: Pace | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Send what the node wants ([{"digest", "have_bytes"}]), then {"op": "sent"}; return how many bytes of blobs went.

    `sources` gives each digest its file or bytes, `bases` what the node has of it under another digest. `progress` gets
    of each write how many bytes of the blob it stands for, and how many it is. The pace is of bytes on the line.
    Raises LinkLost when the link breaks (ask again: the node says what it has by then), the node's own error when it
    gave up in the middle, InvalidInput when a blob is not here.
    """
    pace = pace or Pace()
    wanted = list(wanted)
    packing = Packing(clock, sum(int(item.get("size", 0)) - int(item.get("have_bytes", 0)) for item in wanted))
    total = 0
    try:
        for item in wanted:
            digest = str(item["digest"])
            with _open(digest, sources) as file:
                size = file.seek(0, io.SEEK_END)
                have = int(item.get("have_bytes", 0))
                start = have if 0 <= have <= size else 0
                read, base = _reader(file, digest), bases.get(digest)
                if start == size:
                    frames.send("blob", digest=digest, offset=start, bytes=0)
                for piece in delta(read, start, size, packing, base) if base else plain(read, start, size, packing):
                    began = clock()
                    count = piece.size if piece.data is None else len(piece.data)
                    form = {"form": piece.form, "size": piece.size} if piece.form else {}
                    frames.send("blob", digest=digest, offset=piece.offset, bytes=count, **form)
                    gone = 0
                    for data in _written(read, piece, pace):
                        pace.wait(len(data))
                        frames.send_bytes(data)
                        told, gone = gone, gone + len(data)
                        progress(piece.size * gone // count - piece.size * told // count, len(data))
                    packing.sent(piece, count, began)
                total += size - start
        frames.send("sent")
    except FrameError:
        _raise_reason(frames)
        raise
    return total


def _open(digest: str, sources: Mapping[str, Path | bytes]) -> BinaryIO:
    source = sources.get(digest)
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        if source is None:
            raise FileNotFoundError(None, "it is in no bundle")
        return source.open("rb")
    except OSError as error:
        raise InvalidInput(
            f"the node wants {short(digest)} ({source or 'no file'}), and it cannot be read here: {error.strerror}",
            hint="make the bundle again",
        ) from error


def _reader(file: BinaryIO, digest: str) -> Read:
    def read(offset: int, count: int) -> bytes:
        file.seek(offset)
        data = file.read(count)
        if len(data) != count:
            raise InvalidInput(f"{short(digest)} became shorter while it was sent", hint="make the bundle again")
        return data

    return read


def _written(read: Read, piece: Piece, pace: Pace) -> Iterator[bytes]:
    """Yield what travels for a piece in writes as long as they may be when their turn comes."""
    at, end = (piece.offset, piece.offset + piece.size) if piece.data is None else (0, len(piece.data))
    while at < end:
        most = min(pace.piece_bytes, end - at)
        yield read(at, most) if piece.data is None else piece.data[at : at + most]
        at += most


def _raise_reason(frames: Frames) -> None:
    """Raise what the node said before it stopped listening, if it said anything."""
    while True:
        try:
            doc = frames.receive()
        except FrameError:
            return
        if doc["op"] == "error":
            raise EdgectlError.from_json(doc)
