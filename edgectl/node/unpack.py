"""One piece of a blob as it travels: raw, packed, or what differs from an older blob; back into the blob's bytes.

Owns: the three forms, and that none makes more bytes than were announced. Memory is bounded whatever comes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgectl.node.spans import Joined
from edgectl.wire.delta import DELTA, RAW, ZLIB, DeltaError, Reader
from edgectl.wire.frame import FrameError

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """`count` bytes on the link stand for `size` bytes of a blob from `offset` on."""

    digest: str
    offset: int
    count: int
    size: int
    form: str

    @classmethod
    def read(cls, frame: dict[str, Any]) -> Piece:
        """Read a `blob` frame; FrameError when it announces what cannot be."""
        count = int(frame["bytes"])
        piece = cls(str(frame["digest"]), int(frame["offset"]), count, int(frame.get("size", count)), _form(frame))
        if min(piece.count, piece.size, piece.offset) < 0 or (piece.form == RAW and piece.size != piece.count):
            raise FrameError(f"a piece of {piece.size} bytes in {piece.count}")
        return piece


def _form(frame: dict[str, Any]) -> str:
    form = str(frame.get("form", RAW))
    if form not in {RAW, ZLIB, DELTA}:
        raise FrameError(f"blobs of form {form!r} are not known here")
    return form


class Unpacker:
    """Makes a piece's bytes of what comes. DeltaError says what is wrong with it, BaseGone that its base is."""

    def __init__(self, piece: Piece, base: Joined) -> None:
        self._form = piece.form
        self._size = piece.size
        self._made = 0
        self._stream = zlib.decompressobj()
        self._reader: Reader | None = None
        if piece.form == DELTA:
            self._reader = Reader(piece.offset, piece.size, base.size, base.copy)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take some bytes and yield what they make."""
        if self._form == RAW:
            yield data
            return
        if self._stream.eof:
            raise DeltaError("its packed bytes do not end where they should")
        for part in self._unpacked(data):
            if self._reader is not None:
                yield from self._reader.feed(part)
                continue
            self._made += len(part)
            if self._made > self._size:
                raise DeltaError(f"it makes more than the {self._size} bytes that were announced")
            yield part

    def end(self) -> None:
        """Raise DeltaError unless all that was announced has been made, and nothing else came."""
        if self._form == RAW:
            return
        if not self._stream.eof or self._stream.unused_data:
            raise DeltaError("its packed bytes do not end where they should")
        if self._reader is not None:
            self._reader.end()
        elif self._made != self._size:
            raise DeltaError(f"it makes {self._made} of {self._size} bytes")

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        try:
            while True:
                part = self._stream.decompress(data, _CHUNK)
                data = self._stream.unconsumed_tail
                if part:
                    yield part
                if len(part) < _CHUNK and not data:
                    return
        except zlib.error as error:
            raise DeltaError(f"its packed bytes are damaged ({error})") from error
