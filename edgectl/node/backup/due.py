"""When the next backup is due. Pure.

A clock may be wrong by a decade: a backup from the future says nothing about when the next one is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edgectl.wire.payload import Backup

_DAY = timedelta(days=1)


def is_due(asked: Backup, taken: Iterable[datetime], now: datetime) -> bool:
    """Tell whether one should be taken now; the first one always should."""
    past = [moment for moment in taken if moment <= now]
    if not past:
        return True
    newest, every = max(past), timedelta(seconds=asked.every_seconds)
    if not asked.at:
        return now - newest >= every
    last = _last(asked, now)
    return newest < last and last - newest > every - _DAY


def _last(asked: Backup, now: datetime) -> datetime:
    """Return the latest moment, not after now, at which the store's clocks have said that time of day."""
    try:
        zone = ZoneInfo(asked.zone)
    except (ZoneInfoNotFoundError, ValueError):  # a node without that zone's data: once a day all the same
        zone = ZoneInfo("UTC")
    local = now.astimezone(zone)
    at = datetime.combine(local.date(), time.fromisoformat(asked.at), zone)
    return at if at <= local else datetime.combine(local.date() - _DAY, time.fromisoformat(asked.at), zone)
