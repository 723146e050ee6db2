"""When the node takes a backup of its cluster: when its store's policy says that it is time, cable or not.

Owns: the look once a minute, and the pause after a try in vain. What has been taken is known by the files that lie
there, so whoever is killed in between has forgotten nothing. The taking is a program of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from threading import Thread

from edgectl.node.backup.due import is_due
from edgectl.node.backup.kept import moments
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.wire.payload import Backup

EVERY_SECONDS = 60.0
AGAIN_SECONDS = 900.0  # after a try; a good one has left its file, and is not due for long
_LIMIT_SECONDS = 1800.0
COMMAND = ("/usr/local/sbin/edgectl-node", "backup")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _take() -> None:
    ran = programs.run(COMMAND, limit_seconds=_LIMIT_SECONDS)
    if not ran.ok:
        print(ran.err.strip() or ran.last_words, file=sys.stderr, flush=True)  # noqa: T201 - the unit's log


class Backups:
    """One node's hand."""

    def __init__(
        self, places: Places, *, monotonic: Callable[[], float] = time.monotonic, now: Callable[[], datetime] = _now
    ) -> None:
        self._places = places
        self._monotonic = monotonic
        self._now = now
        self._next = float("-inf")
        self._known: Path | None = None
        self._asked: Backup | None = None
        self._taking: Thread | None = None

    def tick(self) -> None:
        """Start to take one when it is due, and do not wait for it."""
        now = self._monotonic()
        if now < self._next or (self._taking is not None and self._taking.is_alive()):
            return
        self._next = now + EVERY_SECONDS
        asked = self._policy()
        if asked is None or not is_due(asked, moments(self._places), self._now()):
            return
        self._next = now + AGAIN_SECONDS
        self._taking = Thread(target=_take, daemon=True)
        self._taking.start()

    def _policy(self) -> Backup | None:
        """Return what the lead was told; others, and stores that have never been whole, have nothing to keep."""
        slot = Slots(self._places).current
        if slot is None:
            return None
        if self._known != slot.folder:
            try:
                payload, node = load(self._places, slot)
            except (OSError, ValueError):
                return None
            self._known, self._asked = slot.folder, payload.backup if node.name == payload.lead.name else None
        return self._asked
