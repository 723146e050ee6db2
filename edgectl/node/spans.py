"""Bytes that lie in parts of several files, read as one.

Owns: that a part whose digest is known is held against it before the first byte of it is used. Everything that goes
wrong with it is BaseGone: whoever wanted these bytes asks for them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 256 * 1024


class BaseGone(Exception):
    """What is here already cannot be read, or has other bytes than it is called by."""


@dataclass(frozen=True, slots=True)
class Span:
    """`size` bytes of a file from `start` on; `digest` (hex) is theirs, where it is known."""

    path: Path
    start: int
    size: int
    digest: str = ""


class Joined:
    """Spans, one behind the other. One file is open at a time, from when it is asked for."""

    def __init__(self, spans: tuple[Span, ...] = ()) -> None:
        self._spans = spans
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._sound: set[Span] = set()
        self._at = 0
        self.size = sum(span.size for span in spans)

    def __enter__(self) -> Joined:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        self._path, file, self._file = None, self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def read(self, count: int) -> bytes:
        """Return the next bytes, fewer only at the end."""
        data = b"".join(self.copy(self._at, min(count, self.size - self._at)))
        self._at += len(data)
        return data

    def copy(self, start: int, count: int) -> Iterator[bytes]:
        """Yield a part of the whole."""
        for span in self._spans:
            if count and start < span.size:
                here = min(count, span.size - start)
                if span.digest and span not in self._sound:
                    self._hold(span)
                yield from self._bytes(span, start, here)
                start, count = span.size, count - here
            start -= span.size
        if count:
            raise BaseGone

    def _hold(self, span: Span) -> None:
        total = hashlib.sha256()
        for data in self._bytes(span, 0, span.size):
            total.update(data)
        if total.hexdigest() != span.digest:
            raise BaseGone
        self._sound.add(span)

    def _bytes(self, span: Span, start: int, count: int) -> Iterator[bytes]:
        try:
            if self._file is None or span.path != self._path:
                self.close()
                self._path, self._file = span.path, span.path.open("rb")
            file = self._file
            file.seek(span.start + start)
            while count:
                data = file.read(min(count, _CHUNK))
                if not data:
                    raise BaseGone
                count -= len(data)
                yield data
        except OSError as error:
            raise BaseGone from error
