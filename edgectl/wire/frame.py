"""Frames on one SSH channel: a JSON line, optionally followed by raw bytes.

Owns: the framing, both directions. `{"op": ..., "bytes": N}` means that N raw bytes follow the line. Several frames
may travel packed: `{"bytes": N, "op": "packed"}` and N bytes of zlib; whoever receives sees the frames in them.
Must not know who is at either end; works on any pair of read/write callables.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from edgectl.wire.document import canonical

LINE_LIMIT_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 32 * 1024  # pipelined writes of this size: larger ones are slower in paramiko (paramiko#2396)


_PACK_BYTES = 1024 * 1024  # of lines that are packed together
_PACKED = "packed"


class FrameError(Exception):
    """The other side ended, or does not speak frames. `seen` is what came instead."""

    def __init__(self, message: str, seen: bytes = b"") -> None:
        super().__init__(message)
        self.seen = seen


class Frames:
    """Read and write frames over `read(max_bytes) -> bytes` (b"" at the end) and `write(bytes)`.

    `patience_seconds` is for whoever reads: how long the other side may be silent.
    """

    def __init__(
        self, read: Callable[[int], bytes], write: Callable[[bytes], object], *, patience_seconds: float = math.inf
    ) -> None:
        self.patience_seconds = patience_seconds
        self._read = read
        self._write = write
        self._buffer = bytearray()

    def send(self, op: str, /, **fields: Any) -> None:
        """Write one frame without bytes."""
        self._write(canonical({"op": op, **fields}) + b"\n")

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        """Write several frames without bytes, packed where that is less: each write costs a packet on the line."""
        lines = [canonical({"op": op, **fields}) + b"\n" for fields in frames]
        while lines:
            count, size = 0, 0
            while count < len(lines) and (not count or size + len(lines[count]) <= _PACK_BYTES):
                size += len(lines[count])
                count += 1
            self._write(_packed(b"".join(lines[:count])))
            del lines[:count]

    def send_bytes(self, data: bytes) -> None:
        """Write raw bytes that an earlier frame has announced."""
        self._write(data)

    def receive(self) -> dict[str, Any]:
        """Read one frame; FrameError when the other side ended or wrote something else."""
        doc = self._frame()
        if doc["op"] == _PACKED:
            self._unpack(doc)
            doc = self._frame()
        return doc

    def _unpack(self, doc: dict[str, Any]) -> None:
        """Put what travelled packed before what else has come; never more than a sender packs."""
        count = doc.get("bytes")
        if not isinstance(count, int) or not 0 < count <= _PACK_BYTES:
            raise FrameError("the other side packs frames as edgectl does not")
        packed = bytearray()
        self.receive_bytes(count, packed.extend)
        unpacking = zlib.decompressobj()
        try:
            lines = unpacking.decompress(bytes(packed), LINE_LIMIT_BYTES)
        except zlib.error as error:
            raise FrameError(f"packed frames are broken: {error}") from error
        if not unpacking.eof or unpacking.unused_data or not lines.endswith(b"\n"):
            raise FrameError("packed frames are too long, or do not end")
        self._buffer[:0] = lines

    def _frame(self) -> dict[str, Any]:
        line = self._line()
        try:
            doc = json.loads(line)
        except (ValueError, RecursionError):
            doc = None
        if not isinstance(doc, dict) or not isinstance(doc.get("op"), str):
            raise FrameError("the other side does not speak edgectl frames", bytes(line) + bytes(self._buffer))
        return doc

    def receive_bytes(self, count: int, sink: Callable[[bytes], object]) -> None:
        """Hand `count` raw bytes to `sink`, in pieces, as they come."""
        left = count
        while left:
            piece = bytes(self._buffer[:left]) or self._read(min(left, CHUNK_BYTES * 4))
            if not piece:
                raise FrameError(f"the other side ended {left} bytes before the end of a blob")
            del self._buffer[: min(len(piece), len(self._buffer))]
            left -= len(piece)
            sink(piece)

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Have no more patience than this inside the block."""
        before, self.patience_seconds = self.patience_seconds, min(seconds, self.patience_seconds)
        try:
            yield
        finally:
            self.patience_seconds = before

    def end(self) -> None:
        """Read nothing more: what would come is content, and must never be taken for a frame."""
        self._buffer.clear()
        self._read = lambda _: b""

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE_LIMIT_BYTES:
                raise FrameError("a frame is too long", bytes(self._buffer[:200]))
            piece = self._read(64 * 1024)
            if not piece:
                raise FrameError("the other side ended", bytes(self._buffer))
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


def _packed(lines: bytes) -> bytes:
    """Return the lines packed, or as they are where that is no more."""
    packed = zlib.compress(lines, 9)
    head = canonical({"op": _PACKED, "bytes": len(packed)}) + b"\n"
    return head + packed if len(head) + len(packed) < len(lines) and len(packed) <= _PACK_BYTES else lines
