"""The lines that the node's shell says before frames begin, found among whatever else a login prints.

Owns finding and bounding them. Must not know what a line leads to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from edgectl.control.link.command import MARK
from edgectl.wire.errors import Unreachable

_LIMIT_BYTES = 256 * 1024  # banners and shell start-up files, before the first line
_LINE_BYTES = 8 * 1024


class Stream(Protocol):
    """What a handshake is read from."""

    patience_seconds: float

    def read(self, max_bytes: int) -> bytes:
        """Return some output, b"" at the end."""

    def unread(self, data: bytes) -> None:
        """Give back what was read too far."""


class Handshake:
    """Read one line after the other; `noise` is all that was neither."""

    def __init__(self, stream: Stream, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._buffer = b""
        self._noise = bytearray()

    @property
    def noise(self) -> str:
        """What was printed around the lines: motd, shell start-up files, error messages."""
        return bytes(self._noise + self._buffer).decode("utf-8", "replace").strip()

    def next(self, *, seconds: float) -> tuple[str, str] | None:
        """Return the next line as (word, rest); None when the command has ended without one.

        What follows the line stays in the stream. Raises what the stream raises, and Unreachable when the noise
        never ends.
        """
        deadline = self._clock() + seconds
        while True:
            line = self._take()
            if line is not None:
                word, _, rest = line.partition(" ")
                return word, rest.strip()
            if len(self._noise) + len(self._buffer) > _LIMIT_BYTES:
                raise Unreachable(
                    f"the node's login prints more than {_LIMIT_BYTES // 1024} KiB before it runs a command",
                    hint="make its shell start-up files quiet for logins without a terminal",
                    details=(self.noise[:500],),
                )
            self._stream.patience_seconds = max(0.1, deadline - self._clock())
            piece = self._stream.read(16 * 1024)
            if not piece:
                return None
            self._buffer += piece

    def _take(self) -> str | None:
        """Return a whole line from the buffer and give the rest back; keep noise apart."""
        start = 0 if self._buffer.startswith(MARK) else self._buffer.find(b"\n" + MARK) + 1
        if start == 0 and not self._buffer.startswith(MARK):
            kept = len(MARK)  # the mark may be cut by the end of the buffer
            self._noise += self._buffer[:-kept]
            self._buffer = self._buffer[-kept:]
            return None
        end = self._buffer.find(b"\n", start)
        if end < 0:
            if len(self._buffer) - start > _LINE_BYTES:
                raise Unreachable(
                    "the node's side of the handshake is not readable",
                    details=(self._buffer[start : start + 200].decode("utf-8", "replace"),),
                )
            return None
        self._noise += self._buffer[:start]
        line = self._buffer[start + len(MARK) : end].decode("utf-8", "replace")
        rest, self._buffer = self._buffer[end + 1 :], b""
        if rest:
            self._stream.unread(rest)
        return line
