"""How long there is room for what comes, at the rate of the last hour.

Owns: that rate, and the sentence on the queue. Must not know where events wait.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from edgectl.stack.ops.clock import Clock
from edgectl.stack.uplink.config import StoreAt
from edgectl.stack.uplink.span import HOUR, span
from edgectl.stack.uplink.store import Depth

_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """What comes, each second."""

    events: float
    size_bytes: float


class Intake:
    """Counts what was kept, and what was not, by the minute, for an hour. Told by one thread, asked by another."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock.monotonic()
        self._lock = threading.Lock()
        self._minutes: dict[int, tuple[int, int, int]] = {}

    def add(self, events: int, size_bytes: int, *, lost: int = 0) -> None:
        """Note what has come now; `lost`: events that had to go, or had no room."""
        minute = int(self._clock.monotonic() // 60)
        with self._lock:
            if minute not in self._minutes:
                self._minutes = {key: seen for key, seen in self._minutes.items() if key > minute - _MINUTES}
            before = self._minutes.get(minute, (0, 0, 0))
            self._minutes[minute] = (before[0] + events, before[1] + size_bytes, before[2] + lost)

    def rate(self) -> Rate:
        """Return the mean of the last hour, or of as much of it as there was; of a minute at least."""
        events, size_bytes, _ = self._hour()
        seconds = min(max(self._clock.monotonic() - self._began, 60.0), HOUR)
        return Rate(events / seconds, size_bytes / seconds)

    def lost(self) -> int:
        """Return how many had no room in the last hour."""
        return self._hour()[2]

    def _hour(self) -> tuple[int, int, int]:
        first = int(self._clock.monotonic() // 60) - _MINUTES + 1
        with self._lock:
            seen = [seen for key, seen in self._minutes.items() if key >= first]
        return sum(row[0] for row in seen), sum(row[1] for row in seen), sum(row[2] for row in seen)


def room_seconds(depth: Depth, limits: StoreAt, rate: Rate) -> float:
    """Return how long it takes until the first event has to go; infinite when nothing comes."""
    left_events = max(limits.budget_events - depth.events, 0)
    left_bytes = max(limits.budget_bytes - depth.used_bytes, 0)
    return min(
        left_events / rate.events if rate.events else float("inf"),
        left_bytes / rate.size_bytes if rate.size_bytes else float("inf"),
    )


def sentence(depth: Depth, room: float, *, opens: str) -> str:
    """Return e.g. "1,204 events wait, room for 31 h"."""
    wait = f"{depth.events:,} events wait" if depth.events != 1 else "1 event waits"
    until = f" until {opens}" if opens and depth.events else ""
    return f"{wait}{until}, room for {'any time' if room == float('inf') else span(room)}"
