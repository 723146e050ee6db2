"""When a neighbour is given up: by its own rate while it is waited for, and by how much it sends."""

from __future__ import annotations

from collections import deque

import pytest

from edgectl.node.share.take import Enough
from edgectl.wire.frame import FrameError


class Neighbour:
    """Brings `count` bytes every `seconds`."""

    def __init__(self, count: int, seconds: float) -> None:
        self.now = 0.0
        self._count = count
        self._seconds = seconds

    def read(self, most: int) -> bytes:
        """Take its time."""
        self.now += self._seconds
        return b"x" * min(self._count, most)


def _after_a_fast_begin(rate: int) -> tuple[Neighbour, Enough]:
    one = Neighbour(200_000, 0.01)
    enough = Enough(one.read, 1 << 40, 100_000, lambda: one.now)
    for _ in range(2000):
        enough(1 << 20)
    one._count, one._seconds, one.now = rate, 1.0, 0.0
    return one, enough


@pytest.mark.parametrize("rate", [0, 1, 50_000, 99_000])
def test_slower_than_the_line_is_known_in_seconds(rate: int) -> None:
    """Law: whatever it brought before. Seeded fault: the average since the start, which a fast begin would hide."""
    one, enough = _after_a_fast_begin(rate)
    with pytest.raises(FrameError, match="slower than the line"):
        deque((enough(1 << 20) for _ in range(30)), maxlen=0)
    assert one.now <= 21


@pytest.mark.parametrize("rate", [101_000, 1_000_000])
def test_one_that_is_no_slower_is_kept(rate: int) -> None:
    """Law: for as long as it takes."""
    _, enough = _after_a_fast_begin(rate)
    assert {len(enough(1 << 20)) for _ in range(100)} == {rate}


def test_a_slow_disk_here_is_not_its_fault() -> None:
    """Law: only waiting for it counts."""
    one = Neighbour(1000, 0.001)
    enough = Enough(one.read, 1 << 40, 100_000, lambda: one.now)
    for _ in range(100):
        enough(1000)
        one.now += 60


def test_no_more_than_was_asked_for() -> None:
    """Law: one byte beyond what can be needed, and it is left."""
    one = Neighbour(1000, 0.0)
    enough = Enough(one.read, 2500, 1.0, lambda: one.now)
    assert (len(enough(1000)), len(enough(1000))) == (1000, 1000)
    with pytest.raises(FrameError, match="more than it was asked for"):
        enough(1000)


@pytest.mark.parametrize(
    ("error", "words"), [(TimeoutError("timed out"), "does not answer"), (ConnectionResetError(104, "reset"), "reset")]
)
def test_a_broken_network_is_an_end_of_the_neighbour(error: OSError, words: str) -> None:
    """Law: never this node's own disk: the receiver would say that it is full."""

    def read(_: int) -> bytes:
        raise error

    with pytest.raises(FrameError, match=words):
        Enough(read, 1, 1.0)(1)
