"""One direction of one connection: bytes wait for the rate, travel for half a round trip, and arrive in order.

Owns: pacing and delay. Any number of chunks travel at the same time: a delay is no stop-and-wait.
Must not know sockets or how conditions are set.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from edgectl.sandbox.link.conditions import Conditions

CHUNK_BYTES = 16 << 10
_QUEUE_BYTES = 256 << 10  # what may be on its way without a rate
_BURST_SECONDS = 0.01


class Clock(Protocol):
    """Where time comes from, and how to wait for it. Seconds."""

    def now(self) -> float:
        """Return the time, which never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Bucket:
    """The rate of one direction, shared by all connections of a store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at = 0.0

    def delay(self, size: int, rate_bits: int) -> float:
        """Take `size` bytes from the line's capacity; return the seconds until its last bit has left."""
        if rate_bits <= 0:
            return 0.0
        now = self._clock.now()
        start = max(self._free_at, now - _BURST_SECONDS)
        self._free_at = start + size * 8 / rate_bits
        return max(0.0, self._free_at - now)


class Line:
    """A pipe with a length: `send` at one end, `run` delivers at the other."""

    def __init__(
        self, bucket: Bucket, conditions: Callable[[], Conditions], whole: asyncio.Event, clock: Clock
    ) -> None:
        """`whole` is set while the line has no hole in it."""
        self._bucket = bucket
        self._whole = whole
        self._conditions = conditions
        self._clock = clock
        self._travelling: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()

    async def send(self, chunk: bytes) -> None:
        """Put a chunk on the line when there is room and capacity; an empty one is the end of the stream."""
        conditions = self._conditions()
        if chunk and (seconds := self._bucket.delay(len(chunk), conditions.rate_bits)) > 0:
            await self._clock.sleep(seconds)
        while chunk and self._bytes >= self._room():
            self._changed.clear()
            await self._changed.wait()
        self._travelling.append((self._clock.now() + self._conditions().rtt_ms / 2000, chunk))
        self._bytes += len(chunk)
        self._changed.set()

    async def run(self, deliver: Callable[[bytes], Awaitable[None]]) -> None:
        """Deliver chunks as they arrive, until the end of the stream has arrived."""
        while True:
            while not self._travelling:
                self._changed.clear()
                await self._changed.wait()
            due, chunk = self._travelling[0]
            if (wait := due - self._clock.now()) > 0:
                await self._clock.sleep(wait)
            await self._whole.wait()
            self._travelling.popleft()
            self._bytes -= len(chunk)
            self._changed.set()
            await deliver(chunk)
            if not chunk:
                return

    def _room(self) -> int:
        conditions = self._conditions()
        if not conditions.rate_bits:
            return _QUEUE_BYTES + int(conditions.rtt_ms * 100_000)  # 100 MB/s of window
        return int(conditions.rate_bits / 8 * (conditions.rtt_ms / 1000 + 0.1)) + CHUNK_BYTES
