"""How much of a store's line a deploy may take, by the time of day, and how long bytes take at that.

Owns which limit holds when, and the estimate. Nothing is invented: where nobody knows how fast a line is, no time is
said. Must not know who sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from edgectl.control.inventory.store import NetworkSettings

DOWNLINK, LIMITS, ASKED, MEASURED = "network.downlink_mbit", "network.limits", "--limit", "measured"
_CHANGES = 400  # of limits that are looked ahead to: months


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long bytes will take, and at which rate they begin; None where nobody knows.

    `why` names what says so. It is at most so long: packed, fewer bytes go. `line_unknown`: only a limit is known, and
    the line may be slower.
    """

    seconds: float | None = None
    rate: float | None = None
    why: str = ""
    line_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of one store, and the one of the command line, which holds instead of them."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    asked: float | None = None
    clock: Callable[[], datetime] = _now

    def now(self) -> float | None:
        """Return the bytes a second that may go now; None for as many as can."""
        return self.at(self.clock())

    def at(self, moment: datetime) -> float | None:
        """Return the bytes a second that may go at a moment: what is asked for, else the smallest that holds then."""
        return self._inventory(moment) if self.asked is None else self.asked

    def instead_of(self) -> float | None:
        """Return what the inventory would let go now, where the command line says something else."""
        return None if self.asked is None else self._inventory(self.clock())

    def forecast(self, count: int, measured: float | None = None) -> Forecast:
        """Say how long `count` bytes will take from now on; `measured` is the line's rate, where it was measured."""
        moment = self.clock()
        cap, line = self.at(moment), self.network.downlink or measured
        knows = DOWNLINK if self.network.downlink else MEASURED
        rate = self._slower(line, moment)
        if rate is None:
            return Forecast()
        capped = cap is not None and rate == cap
        why = (LIMITS if self.asked is None else ASKED) if capped else knows
        return Forecast(self._seconds(count, line, moment), rate, why, line_unknown=line is None)

    def seconds(self, count: float, rate: float) -> float:
        """Return how long `count` bytes will take on a line that carries `rate` bytes a second where it may."""
        found = self._seconds(count, rate, self.clock())
        return count / rate if found is None else found

    def _seconds(self, count: float, line: float | None, moment: datetime) -> float | None:
        """Return how long it takes through all changes of the limits; None when nobody knows a rate for some of it."""
        begun, left = moment, float(count)
        rate = self._slower(line, moment)
        for _ in range(_CHANGES):
            if rate is None:
                return None
            ends = self._next_change(moment)
            takes = left / rate
            if ends is None or takes <= (ends - moment).total_seconds():
                return (moment - begun).total_seconds() + takes
            left -= rate * (ends - moment).total_seconds()
            moment = ends
            rate = self._slower(line, moment)
        return None if rate is None else (moment - begun).total_seconds() + left / rate

    def _slower(self, line: float | None, moment: datetime) -> float | None:
        return min((found for found in (self.at(moment), line) if found is not None), default=None)

    def _inventory(self, moment: datetime) -> float | None:
        holds = (one for one in self.network.limits if one.window is None or one.window.holds(moment))
        return min((one.bytes_per_second for one in holds), default=None)

    def _next_change(self, moment: datetime) -> datetime | None:
        """Return when another limit may hold, None when never."""
        if self.asked is not None:
            return None
        windows = [one.window for one in self.network.limits if one.window is not None]
        found = min((window.next_change(moment) for window in windows), default=None)
        return None if found is None else max(found.astimezone(UTC), moment + timedelta(seconds=1))
