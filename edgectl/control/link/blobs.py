"""Blobs over frames: the wanted ones, in the order asked for, each from its last good byte, capped when asked.

Owns the sending side. Must not know SSH or what a blob is; the node verifies every digest itself.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, InvalidInput
from edgectl.wire.frame import CHUNK_BYTES, FrameError, Frames

_LIMITED_BYTES = 8 * 1024  # small pieces under a limit: 64 kbit/s still moves every second


def send_blobs(
    frames: Frames,
    wanted: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Path | bytes],
    *,
    progress: Callable[[int], object] = lambda _: None,
    limit_bytes_per_second: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Send what the node wants ([{"digest", "have_bytes"}]), then {"op": "sent"}; return how many bytes went.

    `sources` gives each digest its file or bytes, `progress` gets the bytes of each piece that went.
    Raises LinkLost when the link breaks (ask again: the node says what it has by then), the node's own error when it
    gave up in the middle, InvalidInput when a blob is not here.
    """
    pace = _Pace(limit_bytes_per_second, clock, sleep)
    total = 0
    try:
        for item in wanted:
            digest = str(item["digest"])
            with _open(digest, sources) as file:
                size = file.seek(0, io.SEEK_END)
                have = int(item.get("have_bytes", 0))
                start = file.seek(have if 0 <= have <= size else 0)
                frames.send("blob", digest=digest, offset=start, bytes=size - start)
                for piece in _pieces(file, digest, size - start, pace.piece_bytes):
                    pace.wait(len(piece))
                    frames.send_bytes(piece)
                    progress(len(piece))
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


def _pieces(file: BinaryIO, digest: str, count: int, most: int) -> Iterable[bytes]:
    while count:
        piece = file.read(min(most, count))
        if not piece:
            raise InvalidInput(f"{short(digest)} became shorter while it was sent", hint="make the bundle again")
        count -= len(piece)
        yield piece


def _raise_reason(frames: Frames) -> None:
    """Raise what the node said before it stopped listening, if it said anything."""
    while True:
        try:
            doc = frames.receive()
        except FrameError:
            return
        if doc["op"] == "error":
            raise EdgectlError.from_json(doc)
