"""Where a new file has blocks of an older one, at any offset: rsync's search, vectorised.

Owns: the index of a signature and the rolling sum. Must not know how matches travel. Memory is a few MB whatever the
size; numpy is imported by this file alone, and this file only when a node has a base.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgectl.wire.delta import STRONG_BYTES, Copy, Signature, strong

_MODULUS = 65521  # adler32's
_OFFSETS = 64 * 1024  # tried at once: what they need stays in the processor's cache
_FIRST_OFFSETS = 1024  # tried behind a copy, then ever more: the next one is often near
_SCAN_BYTES = 1024 * 1024  # said as not matching, so that it can be sent while the search goes on
_AHEAD_BYTES = 1024 * 1024
_FOLLOWED_BYTES = 32 * 1024 * 1024  # of one copy at most: the node must hear something meanwhile
_MOST_FALSE = 256  # in one window; data that weak sums cannot tell apart is sent instead of searched
_TABLE_BITS = 20

Read = Callable[[int, int], bytes]  # (offset, count) -> bytes of the new file


class Search:
    """Finds what of a file is in the signature's file."""

    def __init__(self, read: Read, signature: Signature) -> None:
        self._read = read
        self._size = 0
        self._block = block = signature.block
        self._base_size = signature.size
        count = signature.count
        weak = np.frombuffer(signature.sums, ">u4", count).astype(np.int64)
        tail = signature.sums[4 * count :]
        self._strong = [tail[at : at + STRONG_BYTES] for at in range(0, len(tail), STRONG_BYTES)]
        whole = signature.size // block
        self._index: dict[bytes, int] = {}
        for number in range(whole - 1, -1, -1):
            self._index[self._strong[number]] = number  # of equal ones the first: what follows it is the longest
        self._weak = np.unique(weak[:whole])
        self._table = np.zeros(1 << _TABLE_BITS, np.bool_)
        self._table[_hash(self._weak)] = True
        self._roll = _Roll(block)

    def run(self, start: int, end: int) -> Iterator[Copy | int]:
        """Yield what the file is made of from `start` to `end`: copies of the base, and how many bytes are new."""
        at, self._size = start, end
        while at < self._size:
            place, index = self._next(at, min(at + _SCAN_BYTES, self._size))
            if place > at:
                yield place - at
            at = place
            if index is not None:
                count = self._follow(place, index)
                yield Copy(index * self._block, count)
                at += count

    def _next(self, at: int, end: int) -> tuple[int, int | None]:
        """Return the first place from `at` on whose block is in the base, and which; or `end` and None."""
        block, short = self._block, self._base_size % self._block
        offsets = _FIRST_OFFSETS
        while at < end and at + block <= self._size:
            data = self._read(at, min(min(offsets, end - at) + block - 1, self._size - at))
            for place in self._candidates(data):
                found = self._index.get(strong(memoryview(data)[place : place + block]))
                if found is not None:
                    return at + place, found
            at += len(data) - block + 1
            offsets = min(4 * offsets, _OFFSETS)
        if at + block <= self._size:
            return at, None
        tail = self._size - short
        if short and tail >= at and strong(self._read(tail, short)) == self._strong[-1]:
            return tail, len(self._strong) - 1
        return self._size, None

    def _candidates(self, data: bytes) -> list[int]:
        sums = self._roll.sums(data)
        hits = np.flatnonzero(self._table[_hash(sums)])
        values = sums[hits]
        near = np.minimum(np.searchsorted(self._weak, values), len(self._weak) - 1)
        return [int(place) for place in hits[self._weak[near] == values][:_MOST_FALSE]]

    def _follow(self, at: int, index: int) -> int:
        """Return how many bytes from `at` on equal the base from this block on."""
        count, data, begun = 0, b"", 0
        while index < len(self._strong) and count < _FOLLOWED_BYTES:
            length = min(self._block, self._base_size - index * self._block)
            if at + count + length > self._size:
                break
            if begun + length > len(data):
                data, begun = self._read(at + count, min(_AHEAD_BYTES, self._size - at - count)), 0
            if strong(memoryview(data)[begun : begun + length]) != self._strong[index]:
                break
            count, begun, index = count + length, begun + length, index + 1
        return count


class _Roll:
    """adler32 of every window of a block's length, by sums of sums; its arrays are used again."""

    def __init__(self, block: int) -> None:
        longest = _OFFSETS + block - 1
        self._block = block
        self._bytes = np.empty(longest, np.int64)
        self._sum = np.zeros(longest + 1, np.int64)
        self._sums = np.zeros(longest + 1, np.int64)
        self._low = np.empty(_OFFSETS, np.int64)
        self._high = np.empty(_OFFSETS, np.int64)
        self._times = np.empty(_OFFSETS, np.int64)

    def sums(self, data: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return them; the array is overwritten by the next call."""
        block, length = self._block, len(data)
        count = length - block + 1
        one, two = self._sum[: length + 1], self._sums[: length + 1]
        self._bytes[:length] = np.frombuffer(data, np.uint8)
        np.cumsum(self._bytes[:length], out=one[1:])
        np.cumsum(one[1:], out=two[1:])
        low, high, times = self._low[:count], self._high[:count], self._times[:count]
        np.subtract(one[block:], one[:count], out=low)
        low += 1
        low %= _MODULUS
        np.subtract(two[block:], two[:count], out=high)
        np.multiply(one[:count], block, out=times)
        high -= times
        high += block
        high %= _MODULUS
        high <<= 16
        high |= low
        return high


def _hash(sums: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = ((sums >> 12) ^ sums) & ((1 << _TABLE_BITS) - 1)
    return found
