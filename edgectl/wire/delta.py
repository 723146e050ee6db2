"""Deltas: the signature of what a node has, and the instructions that make another file of it.

Owns: block size, the two sums of a block, and the byte form of signatures and instructions. Must not know where a
file lies, nor how matches are found. A false match is found by the blob's own digest, so the sums are short.
"""

from __future__ import annotations

import hashlib
import math
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

RAW, ZLIB, DELTA = "", "zlib", "delta"  # the forms in which bytes of a blob travel
LEAST_BYTES = 64 * 1024  # smaller blobs are sent whole: their signature would cost more than it saves
STRONG_BYTES = 6
ROW_BYTES = 4 + STRONG_BYTES
_LEAST_BLOCK = 3584  # smaller blocks would make a signature of more than 0.3 % of its file
_MOST_BLOCK = 64 * 1024
_STEP = 512  # tar's block: files in archives move by multiples of it
_VARINT_BYTES = 9
_MORE = 0x80  # in a number's byte: another one follows


class DeltaError(ValueError):
    """A signature or a delta that is not well formed; the sentence says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Sums of each block of a file: all weak ones (adler32, big-endian), then all strong ones (blake2b, cut)."""

    size: int
    block: int
    sums: bytes

    @property
    def count(self) -> int:
        """Return how many blocks there are; the last may be short."""
        return -(-self.size // self.block)

    def pack(self) -> bytes:
        """Return its bytes for the line: blocks that repeat cost little."""
        return zlib.compress(self.sums, 6)

    @classmethod
    def unpack(cls, size: int, block: int, packed: bytes) -> Signature:
        """Read what `pack` wrote; DeltaError when it is something else."""
        if size < LEAST_BYTES or block != block_size(size):
            raise DeltaError(f"a signature of {size} bytes in blocks of {block}")
        expected = -(-size // block) * ROW_BYTES
        stream = zlib.decompressobj()
        try:
            sums = stream.decompress(packed, expected + 1)
        except zlib.error as error:
            raise DeltaError(f"a signature that cannot be unpacked: {error}") from error
        if len(sums) != expected or not stream.eof:
            raise DeltaError(f"a signature of {len(sums)} bytes where {expected} were announced")
        return cls(size, block, sums)


def block_size(size: int) -> int:
    """Return the length of a block of a file: a third of its square root, a multiple of 512.

    rsync takes the root itself. A third was measured to be better for image layers, where many files change a little.
    """
    length = round(math.sqrt(size) / 3 / _STEP) * _STEP
    return min(max(length, _LEAST_BLOCK), _MOST_BLOCK)


def strong(data: bytes | memoryview) -> bytes:
    """Return a block's strong sum."""
    return hashlib.blake2b(data, digest_size=STRONG_BYTES).digest()


class Readable(Protocol):
    """Where a base is read from, front to back."""

    def read(self, count: int, /) -> bytes:
        """Return so many bytes, fewer only at the end."""
        ...


def sign(file: Readable, size: int, *, until: float = math.inf) -> Signature | None:
    """Read a file of `size` bytes and return its signature; None when it is not that long, or the time is over."""
    block = block_size(size)
    weak, tail, left = bytearray(), bytearray(), size
    while left:
        data = file.read(min(block, left))
        if len(data) != min(block, left) or time.monotonic() > until:
            return None
        weak += zlib.adler32(data).to_bytes(4, "big")
        tail += strong(data)
        left -= len(data)
    return Signature(size, block, bytes(weak + tail))


@dataclass(frozen=True, slots=True)
class Copy:
    """Bytes of the base, from `start` on."""

    start: int
    count: int


def encode(instructions: list[Copy | bytes], here: int) -> bytes:
    """Return instructions for the line; `here` is the place in the file that they go on from.

    Pairs of (literal, copy), either may be empty but not both: length of the literal, its bytes, length of the copy,
    and where it starts, relative to where it would if nothing were inserted or removed.
    """
    out = zlib.compressobj(6)
    parts: list[bytes] = []
    place = expected = here
    literal = b""

    def pair(copy: Copy | None) -> None:
        nonlocal literal, expected, place
        parts.append(out.compress(_varint(len(literal)) + literal + _varint(copy.count if copy else 0)))
        expected += len(literal)
        place += len(literal)
        if copy:
            shift = copy.start - expected
            parts.append(out.compress(_varint(shift * 2 if shift >= 0 else -shift * 2 - 1)))
            place += copy.count
            expected = copy.start + copy.count
        literal = b""

    for one in instructions:
        if isinstance(one, Copy):
            pair(one)
        else:
            if literal:
                pair(None)
            literal = one
    if literal:
        pair(None)
    parts.append(out.flush())
    return b"".join(parts)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number % _MORE | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


class Reader:
    """Carries out instructions as they come: `feed` yields the bytes to write, never more than `count` in all.

    `copy(start, count)` gives bytes of a base of `base_size` bytes. DeltaError says what is wrong with the input.
    """

    def __init__(self, here: int, count: int, base_size: int, copy: Callable[[int, int], Iterator[bytes]]) -> None:
        self._expected = here
        self._left = count
        self._base_size = base_size
        self._copy = copy
        self._waiting = bytearray()
        self._between = True  # two pairs
        self._made = self._run()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take unpacked instructions and yield what they make."""
        self._waiting += data
        while (piece := next(self._made)) is not None:
            yield piece

    def end(self) -> None:
        """Raise DeltaError unless all announced bytes were made and nothing is half said."""
        if self._left or self._waiting or not self._between:
            raise DeltaError(f"it ends {self._left} bytes early")

    def _run(self) -> Generator[bytes | None, None, None]:
        while True:
            literal = yield from self._number()
            self._spend(literal)
            left = literal
            while left:
                while not self._waiting:
                    yield None
                piece = bytes(self._waiting[:left])
                del self._waiting[: len(piece)]
                left -= len(piece)
                yield piece
            self._expected += literal
            count = yield from self._number()
            if count:
                yield from self._copied(count)
            elif not literal:
                raise DeltaError("an instruction makes nothing")
            self._between = True

    def _copied(self, count: int) -> Generator[bytes | None, None, None]:
        shift = yield from self._number()
        start = self._expected + (-((shift + 1) // 2) if shift & 1 else shift // 2)
        if start < 0 or start + count > self._base_size:
            raise DeltaError(f"it copies bytes {start} to {start + count} of a base of {self._base_size}")
        self._spend(count)
        yield from self._copy(start, count)
        self._expected = start + count

    def _spend(self, count: int) -> None:
        if count > self._left:
            raise DeltaError(f"it makes {count - self._left} bytes more than announced")
        self._left -= count

    def _number(self) -> Generator[bytes | None, None, int]:
        number = shift = 0
        while True:
            while not self._waiting:
                yield None
            self._between = False
            byte = self._waiting[0]
            del self._waiting[:1]  # unlike pop(0), this moves nothing
            number |= (byte % _MORE) << shift
            shift += 7
            if byte < _MORE:
                return number
            if shift >= 7 * _VARINT_BYTES:
                raise DeltaError("a number is too long")
