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

from edgectl.control.link.pieces import Line, Piece, Read, delta, plain
from edgectl.wire.delta import DeltaError, Signature
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, InvalidInput
from edgectl.wire.frame import CHUNK_BYTES, FrameError, Frames

_LIMITED_BYTES = 8 * 1024  # small pieces under a limit: 64 kbit/s still moves every second
_MOST_SIGNATURE_BYTES = 64 * 1024 * 1024


def signatures(frames: Frames, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Signature]:
    """Read the signatures that follow a `want`, of what the node has: digest of a wanted blob -> its base's.

    One that cannot be read is as none: the blob is sent whole.
    """
    found: dict[str, Signature] = {}
    for item in wanted:
        base = item.get("base")
        if not base:
            continue
        packed, count = bytearray(), int(base["bytes"])
        if not 0 <= count <= _MOST_SIGNATURE_BYTES:
            raise FrameError(f"a signature of {count} bytes")
        frames.receive_bytes(count, packed.extend)
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
    limit_bytes_per_second: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Send what the node wants ([{"digest", "have_bytes"}]), then {"op": "sent"}; return how many bytes of blobs went.

    `sources` gives each digest its file or bytes, `bases` what the node has of it under another digest. `progress` gets
    of each write how many bytes of the blob it stands for, and how many it is. The limit is of bytes on the line.
    Raises LinkLost when the link breaks (ask again: the node says what it has by then), the node's own error when it
    gave up in the middle, InvalidInput when a blob is not here.
    """
    wanted = list(wanted)
    line = Line(clock, sum(int(item.get("size", 0)) - int(item.get("have_bytes", 0)) for item in wanted))
    pace = _Pace(limit_bytes_per_second, clock, sleep)
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
                for piece in delta(read, start, size, line, base) if base else plain(read, start, size, line):
                    began = clock()
                    count = piece.size if piece.data is None else len(piece.data)
                    form = {"form": piece.form, "size": piece.size} if piece.form else {}
                    frames.send("blob", digest=digest, offset=piece.offset, bytes=count, **form)
                    gone = 0
                    for data in _written(read, piece, pace.piece_bytes):
                        pace.wait(len(data))
                        frames.send_bytes(data)
                        told, gone = gone, gone + len(data)
                        progress(piece.size * gone // count - piece.size * told // count, len(data))
                    line.sent(piece, count, began)
                total += size - start
        frames.send("sent")
    except FrameError:
        _raise_reason(frames)
        raise
    return total


class _Pace:
    """Keep the average under a limit; a pause does not earn a burst."""

    def __init__(self, limit: float | None, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self.piece_bytes = CHUNK_BYTES * 4 if limit is None else _LIMITED_BYTES

    def wait(self, count: int) -> None:
        """Wait until `count` more bytes may go."""
        if self._limit is None:
            return
        now = self._clock()
        if self._due > now:
            self._sleep(self._due - now)
        self._due = max(self._due, now) + count / self._limit


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


def _written(read: Read, piece: Piece, most: int) -> Iterator[bytes]:
    if piece.data is not None:
        yield from (piece.data[at : at + most] for at in range(0, len(piece.data), most))
        return
    at, end = piece.offset, piece.offset + piece.size
    while at < end:
        data = read(at, min(most, end - at))
        at += len(data)
        yield data


def _raise_reason(frames: Frames) -> None:
    """Raise what the node said before it stopped listening, if it said anything."""
    while True:
        try:
            doc = frames.receive()
        except FrameError:
            return
        if doc["op"] == "error":
            raise EdgectlError.from_json(doc)
