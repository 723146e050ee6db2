"""In which form the bytes of a blob travel: as they are, packed, or as what differs from an older blob of the node.

Owns: that choice, piece by piece, so that it costs no more than the bytes as they are: neither on the line nor in
time. Must not know frames.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgectl.wire.delta import DELTA, RAW, ZLIB, Copy, Signature, encode

if TYPE_CHECKING:
    from edgectl.control.link.search import Search

PIECE_BYTES = 1024 * 1024
_LEVEL, _HURRIED = 6, 1
_MUCH_BYTES = 16 * 1024 * 1024
_WORTH = 0.98  # packed to more than this, bytes go as they are: it costs both sides time
_MOST_UNTRIED = 32  # pieces in a row that go as they are, after some that did not get smaller
_SAMPLE_BYTES = 4 * 1024 * 1024  # SSH's window and the socket's buffers take 2 MiB from a line however slow
_CLEARLY = 4  # times as long as packing: then it is the line, not what else runs here
_TRY_BYTES, _TRIES = 8 * 1024 * 1024, 3
_HOPELESS_BYTES = 8 * 1024 * 1024
_PACKS_AT_MOST = 16  # a delta smaller than this part of its content is not compared with the content, packed
_COMPARED_BYTES = 4 * PIECE_BYTES
_SEARCHED_BYTES = 32 * PIECE_BYTES  # are told of at the latest: a disk that reads 5 MB/s is no dead sender

_LITTLE_BYTES = 64 * 1024  # between two layers: headers, and layers too small for a hint

Read = Callable[[int, int], bytes]  # (offset, count) -> bytes of the blob


@dataclass(frozen=True, slots=True)
class Whole:
    """A layer that the node has whole: `size` bytes of the blob from `offset` on are those from `source` on there."""

    offset: int
    size: int
    source: int


@dataclass(frozen=True, slots=True)
class Base:
    """What the node has: a file that the signature is of, and behind it whole layers, in the blob's order."""

    signature: Signature | None = None
    layers: tuple[Whole, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes of a blob from `offset` on; `data` is what travels for them, None the bytes themselves."""

    offset: int
    size: int
    form: str = RAW
    data: bytes | None = None


class Packing:
    """How fast the line takes what is packed, beside how fast it is packed: which of both to do.

    It begins with packing. Unless sending takes most of the time, the bytes as they are get a try, and the faster one
    stays. Until the line is clearly the slower part, much (`ahead` bytes) is packed in a hurry.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, ahead: int = 0) -> None:
        self._clock = clock
        self._level = _HURRIED if ahead > _MUCH_BYTES else _LEVEL
        self._packing = self._sending = 0.0
        self._content = self._sent = 0
        self._packed_rate = 0.0  # bytes of content a second
        self._raw_rates: list[float] = []
        self._trying = self._settled = False
        self.is_fast = False

    @property
    def raw_bytes(self) -> int:
        """Return how many bytes should go as they are now; 0 to pack."""
        if self.is_fast:
            return 1 << 62
        return _TRY_BYTES if self._trying else 0

    def pack(self, data: bytes) -> bytes:
        """Pack, on the clock."""
        began = self._clock()
        packed = zlib.compress(data, self._level)
        self._packing += self._clock() - began
        return packed

    def sent(self, piece: Piece, count: int, began: float) -> None:
        """Note that a piece has gone since `began`, with so many bytes on the line."""
        took = max(self._clock() - began, 1e-9)
        if self._settled or piece.form == DELTA:
            return
        if self._trying:
            self._raw_rates.append(piece.size / took)
            if len(self._raw_rates) == _TRIES:  # the first has met buffers that were empty, or a far end that slept
                self._settled, self._trying = True, False
                self.is_fast = max(self._raw_rates[1:]) >= self._packed_rate
            return
        self._sending += took
        self._content += piece.size
        self._sent += count
        if self._sent < _SAMPLE_BYTES:
            return
        if self._packing * _CLEARLY <= self._sending:
            self._settled, self._level = True, _LEVEL
        else:
            self._trying, self._packed_rate = True, self._content / (self._packing + self._sending)


def plain(read: Read, start: int, end: int, packing: Packing) -> Iterator[Piece]:
    """Yield the bytes from `start` to `end`, packed where that is worth it."""
    untried, at = 1, start
    while at < end:
        run = packing.raw_bytes
        if not run:
            data = read(at, min(PIECE_BYTES, end - at))
            packed = packing.pack(data)
            if len(packed) < len(data) * _WORTH:
                untried = 1
                yield Piece(at, len(data), ZLIB, packed)
                at += len(data)
                continue
            run = untried * PIECE_BYTES
            untried = min(untried * 2, _MOST_UNTRIED)
        piece = Piece(at, min(run, end - at))
        yield piece
        at += piece.size


def delta(read: Read, start: int, end: int, packing: Packing, base: Base) -> Iterator[Piece]:
    """Yield the same bytes as what differs from a base, where that is smaller."""
    group = _Group(read, start, packing)
    search: Search | None = None
    if base.signature is not None:
        from edgectl.control.link.search import Search  # numpy: nobody else waits for it

        search = Search(read, base.signature)
    searched, copied = 0, False
    for begin, stop, source in _stretches(start, end, base.layers):
        if source is not None:
            group.add(Copy(source, stop - begin))
            continue
        for found in search.run(begin, stop) if search else ():
            group.add(found)
            searched += found.count if isinstance(found, Copy) else found
            copied = copied or isinstance(found, Copy)
            if group.new >= PIECE_BYTES or group.length >= _SEARCHED_BYTES:
                yield from group.told()
            if packing.is_fast and not copied and searched >= _HOPELESS_BYTES:
                search = None
                break
        if stop - group.at > _LITTLE_BYTES:
            yield from group.told()
            yield from plain(read, group.at, stop, packing)
            group.begin(stop)
        elif stop > group.at:
            group.add(stop - group.at)
    yield from group.told()


def _stretches(start: int, end: int, layers: tuple[Whole, ...]) -> Iterator[tuple[int, int, int | None]]:
    """Yield (from, to, where the base has it): layers that the node has whole, and what lies between them."""
    at = start
    for layer in layers:
        stop = layer.offset + layer.size
        if stop <= at or stop > end:
            continue
        if layer.offset > at:
            yield at, layer.offset, None
            at = layer.offset
        yield at, stop, layer.source + at - layer.offset
        at = stop
    if at < end:
        yield at, end, None


class _Group:
    """Instructions that travel together, and how far they lead."""

    def __init__(self, read: Read, start: int, packing: Packing) -> None:
        self._read = read
        self._packing = packing
        self.begin(start)

    def begin(self, at: int) -> None:
        """Begin anew."""
        self._begun = self.at = at
        self._found: list[Copy | int] = []
        self.new = 0

    @property
    def length(self) -> int:
        """Bytes of the blob that they stand for."""
        return self.at - self._begun

    def add(self, found: Copy | int) -> None:
        """Add a copy, or so many bytes that are new."""
        self._found.append(found)
        if isinstance(found, Copy):
            self.at += found.count
        else:
            self.at += found
            self.new += found

    def told(self) -> Iterator[Piece]:
        """Yield all of them, and begin anew."""
        if self._found:
            yield from _told(self._read, self._begun, self.at, self._packing, self._found)
        self.begin(self.at)


def _told(read: Read, begun: int, at: int, packing: Packing, group: list[Copy | int]) -> Iterator[Piece]:
    if not any(isinstance(one, Copy) for one in group):
        yield from plain(read, begun, at, packing)
        return
    place, said = begun, list[Copy | bytes]()
    for one in group:
        said.append(one if isinstance(one, Copy) else read(place, one))
        place += one.count if isinstance(one, Copy) else one
    piece = Piece(begun, at - begun, DELTA, encode(said, begun))
    if len(piece.data or b"") * _PACKS_AT_MOST > piece.size and piece.size <= _COMPARED_BYTES:
        packed = list(plain(read, begun, at, Packing()))
        if sum(one.size if one.data is None else len(one.data) for one in packed) <= len(piece.data or b""):
            yield from packed
            return
    yield piece
