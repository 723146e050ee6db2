"""Hours of the week as people write them: `mon-fri 22:00-05:00 Europe/Berlin`.

Owns that form. Must not know what is allowed in them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EDGES = 400  # of windows that are looked ahead to: more than a week of them
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(r"(?:([a-z]{3}(?:[-,][a-z]{3})*) )?(\d{2}:\d{2})-(\d{2}:\d{2}) (\S+)")


@dataclass(frozen=True, slots=True)
class Window:
    """Hours on some days of the week (0 is Monday); one that ends before it begins ends on the next day."""

    days: frozenset[int]
    begins: time
    ends: time
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        """Say whether a moment (with zone) lies in it; its end does not."""
        local = moment.astimezone(self.zone)
        clock = local.time()
        if self.begins < self.ends:
            return local.weekday() in self.days and self.begins <= clock < self.ends
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)

    def next_change(self, moment: datetime) -> datetime:
        """Return when it may begin or end next after a moment (with zone): at the latest then it is looked at anew."""
        today = moment.astimezone(self.zone).date()
        edges = (
            datetime.combine(today + timedelta(days=ahead), at, self.zone)
            for ahead in range(3)
            for at in (self.begins, self.ends)
        )
        return min(edge for edge in edges if edge.astimezone(timezone.utc) > moment.astimezone(timezone.utc))


def is_open(windows: Sequence[Window], moment: datetime) -> bool:
    """Tell whether something may happen at a moment: in one of its windows, or at any time where it has none."""
    return not windows or any(one.holds(moment) for one in windows)


def opens(windows: Sequence[Window], moment: datetime) -> datetime | None:
    """Return when one of them begins next, in its own zone; None where it is open now, or never."""
    if is_open(windows, moment):
        return None
    for _ in range(_EDGES):
        moment = min((one.next_change(moment) for one in windows), key=lambda edge: edge.astimezone(timezone.utc))
        if is_open(windows, moment):
            return moment
    return None


@functools.lru_cache(maxsize=256)
def window(text: str) -> Window:
    """Read `mon-fri 22:00-05:00 Europe/Berlin` (days may be left out, or be a list: sat,sun); ValueError otherwise."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f'hours are needed, like "mon-fri 22:00-05:00 Europe/Berlin", not "{text}"')
    days, begins, ends, zone = match.groups()
    try:
        return Window(_days(days or "mon-sun"), time.fromisoformat(begins), time.fromisoformat(ends), ZoneInfo(zone))
    except ZoneInfoNotFoundError as error:
        raise ValueError(f'there is no time zone "{zone}" (like Europe/Berlin)') from error
    except ValueError as error:
        raise ValueError(f'"{text}": {error}') from error


def hours(days: Iterable[str], begins: str, ends: str, zone: str) -> Window:
    """Return the window of an inventory's own keys; 00:00 to 00:00 is the whole day, no days are all of them."""
    found = frozenset(_DAYS.index(day) for day in days) or frozenset(range(len(_DAYS)))
    return Window(found, time.fromisoformat(begins), time.fromisoformat(ends), ZoneInfo(zone))


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        for name in (first, last or first):
            if name not in _DAYS:
                raise ValueError(f"there is no day {name} (mon, tue, wed, thu, fri, sat, sun)")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)
