"""The laws of a storm, judged from what was seen of a store: no store, no clock, no I/O.

Owns: when a storm has held; when a start counts as proven, edgectl/control/accept/starts.py says. Must not know how
anything was read.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.control.accept.starts import Start

MEDIAN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """One event and what came of it. Seconds count from the event's beginning; None: it did not come to that."""

    number: int
    event: str
    hardware: float | None = None
    serving: float | None = None
    interrupted: bool = True  # the container that served is not the one that serves now
    starts: tuple[Start, ...] = ()
    dead_seen: int = 0
    dead_left: tuple[str, ...] = ()
    note: str = ""
    failed: str = ""  # why it was given up

    @property
    def unproven(self) -> tuple[Start, ...]:
        """Return the entrypoints that must not have been."""
        return tuple(start for start in self.starts if start.wrong)

    @property
    def gap(self) -> float | None:
        """Return the seconds from ready hardware to serving."""
        if self.hardware is None or self.serving is None:
            return None
        return max(0.0, self.serving - self.hardware)

    @property
    def broken(self) -> tuple[str, ...]:
        """Name the laws that this event has broken."""
        found = [self.failed] if self.failed else []
        found += [f"{start.pod} started {start.wrong}" for start in self.unproven]
        if self.interrupted and not self.failed and len(self.starts) == len(self.unproven):
            found.append("no proven entrypoint after it")
        if self.dead_left:
            found.append(f"left dead: {', '.join(self.dead_left)}")
        return tuple(found)


def gaps(rows: Sequence[Row]) -> list[float]:
    """Return the seconds from ready hardware to serving of the events that have ended an entrypoint."""
    return [row.gap for row in rows if row.interrupted and row.gap is not None]


def broken(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return every law that a storm has broken, in sentences."""
    found = [f"event {row.number} ({row.event}): {what}" for row in rows for what in row.broken]
    took = gaps(rows)
    if took and statistics.median(took) > MEDIAN_SECONDS:
        median = statistics.median(took)
        found.append(f"median from ready hardware to serving: {median:.1f} s, {MEDIAN_SECONDS:.0f} at most")
    return tuple(found)
