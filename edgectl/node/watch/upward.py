"""When a node tells upward: every minute, from boot on, where its store declares an uplink.

Owns: the minute and the pause after tries in vain. The telling itself is a program of its own: whatever it meets there
holds up no watching of GPUs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.outbox import told

EVERY_SECONDS = 60.0
_LIMIT_SECONDS = 600.0  # beyond all deadlines of its own
COMMAND = ("/usr/local/sbin/edgectl-node", "uplink")


class Upward:
    """One node's minute hand."""

    def __init__(self, places: Places, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._monotonic = monotonic
        self._next = float("-inf")
        self._known: tuple[Path, Path] | None = None
        self._declared = False
        self._telling: Thread | None = None

    def tick(self) -> None:
        """Start to tell when it is time, and do not wait for it."""
        now = self._monotonic()
        if now < self._next or (self._telling is not None and self._telling.is_alive()):
            return
        self._next = now + EVERY_SECONDS
        if not self._has_uplink() or told.read(self._places).again > now:
            return
        self._telling = Thread(target=programs.run, args=(COMMAND,), kwargs={"limit_seconds": _LIMIT_SECONDS})
        self._telling.daemon = True
        self._telling.start()

    def _has_uplink(self) -> bool:
        slots = Slots(self._places)
        slot = slots.current or slots.candidate
        if slot is None:
            return False
        apps = slots.apps_of(slot)
        if self._known != (slot.folder, apps.folder):
            try:
                self._declared = load(self._places, slot, apps)[0].uplink is not None
            except (OSError, ValueError):
                return False
            self._known = (slot.folder, apps.folder)
        return self._declared
