"""What a store's backups must agree with: its own time.

Owns the findings on `backup`. Must not know how one is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where
from edgectl.wire.length import seconds

_LEAST_SECONDS = 3600.0
_DAY_SECONDS = 86400.0


def backup_findings(store: schema.Store, *, doubtful: bool) -> Iterator[tuple[Where, str]]:
    """Yield what does not agree: where, and a sentence. `doubtful`: its own keys have findings already."""
    asked = store.backup
    if asked is None or doubtful:
        return
    every = seconds(asked.every)
    if every < _LEAST_SECONDS:
        yield ("backup", "every"), f"backup.every: once an hour is often enough (1h), not every {asked.every}"
    if asked.at is None:
        return
    if store.timezone is None:
        yield ("backup", "at"), "backup.at is in the store's own time, and nobody says which: timezone: Europe/Berlin"
    if every % _DAY_SECONDS:
        yield ("backup", "at"), f"backup.at is a time of day, and needs whole days: every: 24h, not {asked.every}"
