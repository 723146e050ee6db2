"""Blobs over frames: the wanted ones, in the order asked for, each from its last good byte, capped when asked.

Owns the sending side. Must not know SSH or what a blob is; the node verifies every digest itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgectl.wire.document import from_json
from edgectl.wire.errors import Bug, EdgectlError, InvalidInput
from edgectl.wire.frame import CHUNK_BYTES, FrameError, Frames

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class Want:
    """One blob that the node lacks; `have_bytes` of it are staged there from an earlier try."""

    digest: str
    have_bytes: int = 0


def wanted(doc: Mapping[str, Any]) -> tuple[Want, ...]:
    """Read the node's {"op": "want", "blobs": [...]}; ValueError when it is something else."""
    return tuple(from_json(Want, item, f"$.blobs[{index}]") for index, item in enumerate(doc.get("blobs", ())))


def missing_bytes(wants: tuple[Want, ...], size_of: Callable[[str], int]) -> int:
    """Return how many bytes are to be sent, for the plan and the progress bar."""
    return sum(size_of(want.digest) - _start(want, size_of(want.digest)) for want in wants)


class Sender:
    """Send blobs. `limit_bytes_per_second` caps the average; None is as fast as the line."""

    def __init__(
        self,
        path_of: Callable[[str], Path],
        *,
        progress: Progress | None = None,
        limit_bytes_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._path_of = path_of
        self._progress = progress
        self._limit = limit_bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._due = 0.0

    def send(self, frames: Frames, wants: tuple[Want, ...]) -> int:
        """Send all, then {"op": "sent"}; return how many bytes went.

        Raises LinkLost when the link breaks (run again: the node says what it has), the node's own error when it
        gave up in the middle, InvalidInput when a blob is not here.
        """
        total = 0
        self._due = self._clock()
        try:
            for want in wants:
                total += self._one(frames, want)
            frames.send("sent")
        except BrokenPipeError as error:
            raise _reason(frames) from error
        return total

    def _one(self, frames: Frames, want: Want) -> int:
        path = self._path_of(want.digest)
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                start = _start(want, size)
                file.seek(start)
                frames.send("blob", digest=want.digest, offset=start, bytes=size - start)
                self._pour(frames, file, want.digest, start, size)
        except (FileNotFoundError, PermissionError) as error:
            raise InvalidInput(
                f"{path}: the store needs this part, and it cannot be read here: {error.strerror}",
                hint="make the bundle again",
            ) from error
        return size - start

    def _pour(self, frames: Frames, file: BinaryIO, digest: str, start: int, size: int) -> None:
        sent = start
        self._tell(digest, sent, size)
        while sent < size:
            piece = file.read(min(CHUNK_BYTES * 4 if self._limit is None else CHUNK_BYTES // 4, size - sent))
            if not piece:
                raise InvalidInput(f"{file.name}: became shorter while it was sent", hint="make the bundle again")
            self._wait(len(piece))
            frames.send_bytes(piece)
            sent += len(piece)
            self._tell(digest, sent, size)

    def _wait(self, count: int) -> None:
        """Keep the average under the limit; a pause does not earn a burst."""
        if self._limit is None:
            return
        now = self._clock()
        if self._due > now:
            self._sleep(self._due - now)
        self._due = max(self._due, now) + count / self._limit

    def _tell(self, digest: str, sent: int, size: int) -> None:
        if self._progress is not None:
            self._progress(digest, sent, size)


def _start(want: Want, size: int) -> int:
    """Where to go on: what is staged there cannot be a part of this blob when it is longer than it."""
    return want.have_bytes if 0 <= want.have_bytes <= size else 0


def _reason(frames: Frames) -> EdgectlError:
    """Return what the node said before it stopped listening."""
    try:
        while (doc := frames.receive())["op"] != "error":
            pass
    except FrameError as error:
        return Bug(
            "the engine on the node ended while it was receiving", details=(error.seen.decode(errors="replace"),)
        )
    return EdgectlError.from_json(doc)
