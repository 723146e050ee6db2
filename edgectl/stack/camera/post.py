"""The thread that gives the outbox's events to the bus, in their order, and takes the uplink's receipts.

Owns: when something is sent. Must not know what an event says.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from edgectl.stack.camera import metrics
from edgectl.stack.camera.outbox import Outbox

ROUND_SECONDS = 0.2


class Sends(Protocol):
    """What it needs of the bus."""

    @property
    def connected(self) -> bool:
        """Whether the bus is there."""

    def publish(self, topic: str, data: bytes) -> bool:
        """Send with QoS 1; False when it was not taken."""


class Poster:
    """Call `run` in a thread."""

    def __init__(self, outbox: Outbox, bus: Sends, stop: threading.Event) -> None:
        self._outbox, self._bus, self._stop = outbox, bus, stop
        self._wake = threading.Event()

    def put(self, event_id: str, topic: str, data: bytes) -> None:
        """Keep an event and have it sent soon."""
        metrics.LOST.inc(self._outbox.put(event_id, topic, data))
        self._wake.set()

    def again(self) -> None:
        """Send all of it again: the bus is a new one."""
        self._outbox.again()
        self._wake.set()

    def run(self) -> None:
        """Send until `stop`."""
        while not self._stop.is_set():
            self._wake.wait(ROUND_SECONDS)
            self._wake.clear()
            self.post()

    def post(self) -> None:
        """Send what is due, as far as the bus takes it."""
        if not self._bus.connected:
            return
        for event in self._outbox.due():
            if not self._bus.publish(event.topic, event.data):
                return
            self._outbox.sent(event)


def receipts(*takers: Callable[[Iterable[str]], object]) -> Callable[[str, bytes, Callable[[], None]], None]:
    """Return what takes {"ids": [...]} off the bus and gives the ids to each; what is none is passed over."""

    def take(_: str, data: bytes, taken: Callable[[], None]) -> None:
        try:
            ids = json.loads(data)["ids"]
        except (ValueError, TypeError, KeyError, RecursionError):
            ids = []
        if isinstance(ids, list):
            for taker in takers:
                taker([one for one in ids if isinstance(one, str)])
        taken()

    return take
