"""Lengths of time, for people."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def span(seconds: float) -> str:
    """Return e.g. 45 min, 31 h, 12 days."""
    if seconds >= 3 * DAY:
        return f"{seconds / DAY:,.0f} days"
    if seconds >= 2 * HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / MINUTE:.0f} min"
