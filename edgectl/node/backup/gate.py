"""Gate: the store's last backup is not long overdue. Where it is, the store serves all the same, and says so.

No reason to turn a deploy down. Must not know how a backup is taken; the watchdog does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from edgectl.node.backup.kept import moments
from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Look
from edgectl.wire.payload import Backup

_GRACE = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class BackedUp:
    """By what lies on the disk; a cluster that is younger than one round has nothing to show yet."""

    asked: Backup
    now: Callable[[], datetime] = field(default=_now, repr=False, compare=False)
    id: str = "backup"
    title: str = "backup"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare the newest one's age with what was asked for; a clock that was ahead proves nothing."""
        now, most = self.now(), timedelta(seconds=2 * self.asked.every_seconds) + _GRACE
        past = [moment for moment in moments(read.places) if moment <= now]
        since = max(past, default=None) or _born(read, now)
        if now - since <= most:
            word = f"the last one is of {since:%Y-%m-%d %H:%M} UTC" if past else "the first one is to come"
            return Observation(Status.CURRENT, word)
        late = f"no backup of the cluster since {since:%Y-%m-%d %H:%M} UTC: sudo edgectl-node backup says why"
        return Observation(Status.CURRENT, late, absent=late)


def _born(read: Look, now: datetime) -> datetime:
    """Return since when there is a cluster; now, where there is none."""
    found = read.entry(read.places.k3s_data / "server/token")
    return datetime.fromtimestamp(found.st_mtime, timezone.utc) if found else now
