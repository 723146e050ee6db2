"""One direction of a connection keeps order, rate and delay, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from edgectl.sandbox.link.conditions import Conditions, Fault
from edgectl.sandbox.link.line import CHUNK_BYTES, Bucket, Line


class TestClock:
    """Time that moves only when the test says so."""

    __test__ = False

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Return what the test has made of it."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has let that time pass."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._now + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass, everybody acting at their moment."""
        end = self._now + seconds
        await _settle()
        while due := sorted(when for when, future in self._waiting if not future.done() and when <= end):
            self._now = max(self._now, due[0])
            for when, future in self._waiting:
                if when <= self._now and not future.done():
                    future.set_result(None)
            await _settle()
        self._now = end


async def _settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


class Rig:
    """A line with one end in the test's hand: what arrived, and when."""

    def __init__(self, conditions: Conditions) -> None:
        self.clock = TestClock()
        self.conditions = conditions
        self.whole = asyncio.Event()
        self.whole.set()
        self.arrived: list[tuple[float, bytes]] = []
        self.line = Line(Bucket(self.clock), lambda: self.conditions, self.whole, self.clock)
        self.tasks = [asyncio.ensure_future(self.line.run(self._deliver))]

    async def _deliver(self, chunk: bytes) -> None:
        self.arrived.append((round(self.clock.now(), 6), chunk))

    def send(self, *chunks: bytes) -> None:
        """Send chunks one after the other, in the background."""

        async def feed() -> None:
            for chunk in chunks:
                await self.line.send(chunk)

        self.tasks.append(asyncio.ensure_future(feed()))

    async def stop(self) -> None:
        """End what still runs."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _play(conditions: Conditions, scene: Callable[[Rig], Coroutine[Any, Any, None]]) -> Rig:
    async def play() -> Rig:
        rig = Rig(conditions)
        await scene(rig)
        await rig.stop()
        return rig

    return asyncio.run(play())


def test_a_perfect_line_delivers_at_once_and_in_order() -> None:
    async def scene(rig: Rig) -> None:
        rig.send(b"a", b"b", b"")
        await rig.clock.advance(0)

    assert _play(Conditions(), scene).arrived == [(0.0, b"a"), (0.0, b"b"), (0.0, b"")]


def test_each_direction_takes_half_the_round_trip_and_chunks_travel_together() -> None:
    """Ten chunks sent at once arrive at once, one half round trip later: no stop-and-wait."""

    async def scene(rig: Rig) -> None:
        rig.send(*[b"x"] * 10)
        await rig.clock.advance(0.2)

    assert [when for when, _ in _play(Conditions(rtt_ms=300), scene).arrived] == [0.15] * 10


def test_the_rate_spaces_chunks_before_they_travel() -> None:
    """8,000 bit/s are one kilobyte a second."""

    async def scene(rig: Rig) -> None:
        rig.send(b"x" * 1000, b"y" * 1000)
        await rig.clock.advance(3)

    times = [when for when, _ in _play(Conditions(rtt_ms=200, rate_bits=8000), scene).arrived]
    assert times == pytest.approx([1.1, 2.1], abs=0.02)


def test_a_hole_holds_what_was_under_way_and_gives_it_back() -> None:
    async def scene(rig: Rig) -> None:
        rig.conditions = Conditions(fault=Fault.HOLE)
        rig.whole.clear()
        rig.send(b"held")
        await rig.clock.advance(5)
        assert rig.arrived == []
        rig.conditions = Conditions()
        rig.whole.set()
        await rig.clock.advance(0)

    assert _play(Conditions(), scene).arrived == [(5.0, b"held")]


def test_a_line_holds_only_so_much() -> None:
    """With nobody reading at the other end, the sender waits: memory is bounded."""

    async def scene(rig: Rig) -> None:
        rig.whole.clear()
        rig.send(*[b"x" * CHUNK_BYTES] * 1000)
        await rig.clock.advance(1)
        assert not rig.tasks[1].done()
        assert rig.line._bytes <= 512 << 10

    _play(Conditions(), scene)


def test_the_rate_is_shared_by_all_connections() -> None:
    clock = TestClock()
    bucket = Bucket(clock)
    assert bucket.delay(1000, 8000) == pytest.approx(1.0, abs=0.02)
    assert bucket.delay(1000, 8000) == pytest.approx(2.0, abs=0.02)


def test_an_idle_line_saves_up_next_to_nothing() -> None:
    """Quiet time is not paid back as a burst."""
    clock = TestClock()
    bucket = Bucket(clock)
    asyncio.run(clock.advance(60))
    assert bucket.delay(1000, 8000) == pytest.approx(1.0, abs=0.02)
