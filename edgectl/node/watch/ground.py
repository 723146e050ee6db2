"""What k3s stands on, kept while it runs: its address and a default route, and the time that the next boot starts from.

Owns: how often, and that a pause is kept to. A kubelet whose address is on no interface is soon NotReady, and after
minutes its pods are gone; so the boot's own script (startup/net.py) is run again and again, and takes back what it
gave when the cable is in again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.rest import rest
from edgectl.node.startup import clock, net
from edgectl.node.startup.part import part

EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 2  # an address that is just renewed is not missed; this long the watchdog does nothing else


class Ground:
    """One node's."""

    def __init__(
        self,
        places: Places,
        *,
        settle: Callable[[str, int], object] = net.settle,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._places = places
        self._settle = settle
        self._monotonic = monotonic
        self._now = now
        self._next_net = self._next_clock = float("-inf")
        self._known: Path | None = None
        self._address = ""

    def tick(self) -> None:
        """Do what is due."""
        now = self._monotonic()
        if now >= self._next_clock:
            self._next_clock = now + clock.KEEP_SECONDS
            clock.keep(self._places, self._now())
        if now < self._next_net or rest(self._places) is not None:
            return
        self._next_net = now + EVERY_SECONDS
        if address := self._declared():
            self._settle(address, PATIENCE_SECONDS)

    def _declared(self) -> str:
        slots = Slots(self._places)
        slot = slots.candidate or slots.current
        if slot is None:
            return ""
        if self._known != slot.folder:
            self._address, self._known = str(part(self._places).get("address") or ""), slot.folder
        return self._address
