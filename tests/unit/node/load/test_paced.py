"""The slowest line that is waited for: only the waiting counts, and only whole minutes of it."""

from __future__ import annotations

import io
from contextlib import nullcontext

import pytest

from edgectl.node.load.web import _GivenUp, _Paced


class Line:
    """Gives so many bytes after so many seconds, each time."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self.now = 0.0
        self.came = 0

    def readinto(self, buffer: bytearray) -> int:
        """Give the next."""
        self.now += self._seconds
        self.came += self._count
        buffer[: self._count] = b"x" * self._count
        return self._count

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(("count", "seconds", "ends"), [(1024, 1.0, False), (900, 1.0, True), (1, 29.0, True)])
def test_the_floor_of_rate(count: int, seconds: float, ends: bool) -> None:  # noqa: FBT001 - a table's column
    """1 KB/s is enough, less is not; it is said with what came in which time."""
    line = Line(count, seconds)
    paced = io.BufferedReader(_Paced(line, lambda: line.now), 8192)
    with pytest.raises(_GivenUp, match="bytes came in") if ends else nullcontext():
        for _ in range(300):
            paced.read1(8192)
    assert (line.now < 120) == ends


def test_own_time_does_not_count() -> None:
    """A disk that takes its time is no slow line."""
    line = Line(10_000, 1.0)
    paced = _Paced(line, lambda: line.now)
    paced.left = 1 << 30
    for _ in range(300):
        assert paced.readinto(bytearray(10_000)) == 10_000
        line.now += 600


def test_what_comes_beside_content_has_an_end() -> None:
    """A line as fast as may be, whose headers never end: a megabyte is read of it."""
    line = Line(8192, 0.0)
    paced = io.BufferedReader(_Paced(line, lambda: line.now), 8192)
    with pytest.raises(_GivenUp, match="sends without end"):
        paced.read(1 << 30)
    assert line.came <= (1 << 20) + 8192
