"""Blobs over frames: the wanted ones, in the order asked for, each from its last good byte, capped when asked.

Owns the sending side. Must not know SSH or what a blob is; the node verifies every digest itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from edgectl.control.link.pace import Pace
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError, InvalidInput
from edgectl.wire.frame import FrameError, Frames


def send_blobs(
    frames: Frames,
    wanted: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Path | bytes],
    *,
    progress: Callable[[int], object] = lambda _: None,
    pace: Pace | None = None,
) -> int:
    """Send what the node wants ([{"digest", "have_bytes"}]), then {"op": "sent"}; return how many bytes went.

    `sources` gives each digest its file or bytes, `progress` gets the bytes of each piece that went.
    Raises LinkLost when the link breaks (ask again: the node says what it has by then), the node's own error when it
    gave up in the middle, InvalidInput when a blob is not here.
    """
    pace = pace or Pace()
    total = 0
    try:
        for item in wanted:
            digest = str(item["digest"])
            with _open(digest, sources) as file:
                size = file.seek(0, io.SEEK_END)
                have = int(item.get("have_bytes", 0))
                start = file.seek(have if 0 <= have <= size else 0)
                frames.send("blob", digest=digest, offset=start, bytes=size - start)
                for piece in _pieces(file, digest, size - start, pace):
                    pace.wait(len(piece))
                    frames.send_bytes(piece)
                    progress(len(piece))
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


def _pieces(file: BinaryIO, digest: str, count: int, pace: Pace) -> Iterable[bytes]:
    while count:
        piece = file.read(min(pace.piece_bytes, count))
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
