"""When events may be sent: windows of the day in the store's own time zone.

Owns: whether a moment lies in one, and when the next one opens. Must not know what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until `end`, "HH:MM"; over midnight where `end` is earlier, all day where both are the same."""

    start: str
    end: str


class Hours:
    """No windows at all: always."""

    def __init__(self, windows: Sequence[Window], timezone: str) -> None:
        self._windows = [(_minute(window.start), _minute(window.end)) for window in windows]
        try:
            self._zone = ZoneInfo(timezone)
        except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
            raise ValueError(f"time zone {timezone!r} is not known here") from error
        except KeyError as error:
            raise ValueError(f"time zone {timezone!r} is not known here, e.g. Europe/Berlin is") from error

    def open(self, at: float) -> bool:
        """Tell whether one may send at this moment (seconds since 1970)."""
        if not self._windows:
            return True
        now = self._of(at)
        return any(start <= now < end if start < end else now >= start or now < end for start, end in self._windows)

    def opens(self, at: float) -> str:
        """Return when the next window begins, "HH:MM" in the store's time; "" when one is open."""
        if self.open(at):
            return ""
        now = self._of(at)
        start = min((start for start, _ in self._windows), key=lambda start: (start - now) % (24 * 60))
        return f"{start // 60:02}:{start % 60:02}"

    def _of(self, at: float) -> int:
        local = datetime.fromtimestamp(at, self._zone)
        return local.hour * 60 + local.minute


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"a time of day is HH:MM, e.g. 22:00, not {text!r}")
    return int(found[1]) * 60 + int(found[2])
