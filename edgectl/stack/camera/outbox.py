"""Events until the uplink has them on its disk: bounded, in memory, sent again until the receipt is here.

Owns: what waits, what is due, what had to go. Must not know the bus.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from edgectl.stack.ops.clock import Clock

PROBES = 20  # events that are sent again at a time while no receipt comes at all


@dataclass(slots=True)
class Waiting:
    """One event, and when it was sent: first and last; None: not yet."""

    id: str
    topic: str
    data: bytes
    first: float | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the outbox stands. `unanswered_seconds`: how long the oldest event has been sent without a receipt."""

    waiting: int
    room: int
    lost: int  # that had to go, since the service began
    full: bool
    received: int
    unanswered_seconds: float


class Outbox:
    """Safe to use from many threads. Full, it lets the oldest go."""

    def __init__(self, room: int, *, resend_seconds: float, clock: Clock) -> None:
        self._room, self._resend_seconds, self._clock = room, resend_seconds, clock
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}  # oldest first
        self._lost = self._received = 0
        self._full = False
        self._heard = float("-inf")

    def put(self, event_id: str, topic: str, data: bytes) -> int:
        """Keep an event until its receipt; returns how many had to go for it (0 or 1)."""
        with self._lock:
            gone = 0
            if len(self._waiting) >= self._room:
                self._waiting.pop(next(iter(self._waiting)))
                self._full, gone = True, 1
                self._lost += 1
            self._waiting[event_id] = Waiting(event_id, topic, data)
            return gone

    def receipt(self, ids: Iterable[str]) -> int:
        """Let go what the uplink has; returns how many of these ids were known."""
        with self._lock:
            known = sum(self._waiting.pop(event_id, None) is not None for event_id in ids)
            if known:
                self._heard = self._clock.monotonic()
                self._received += known
            if len(self._waiting) <= self._room * 0.9:
                self._full = False
            return known

    def due(self) -> list[Waiting]:
        """Return what to send now, oldest first: what was not sent yet, and what has waited too long for its receipt."""
        now = self._clock.monotonic()
        with self._lock:
            # With nobody there to take them, all of them every 30 seconds would only fill the bus.
            again = self._room if now - self._heard < self._resend_seconds else PROBES
            found = []
            for event in self._waiting.values():
                if event.last is None:
                    found.append(event)
                elif again and now - event.last >= self._resend_seconds:
                    found.append(event)
                    again -= 1
            return found

    def sent(self, event: Waiting) -> None:
        """Note that an event was given to the bus."""
        now = self._clock.monotonic()
        with self._lock:
            event.first = now if event.first is None else event.first
            event.last = now

    def again(self) -> None:
        """Make all of it due: the bus is a new one."""
        with self._lock:
            for event in self._waiting.values():
                event.last = None

    def outlook(self) -> Outlook:
        """Return how it stands."""
        now = self._clock.monotonic()
        with self._lock:
            firsts = [event.first for event in self._waiting.values() if event.first is not None]
            return Outlook(
                len(self._waiting),
                self._room,
                self._lost,
                self._full,
                self._received,
                now - min(firsts) if firsts else 0.0,
            )
