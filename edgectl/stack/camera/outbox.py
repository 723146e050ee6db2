"""Events until the uplink has them on its disk: bounded, in memory, sent again until the receipt is here.

Owns: what waits, what is due, what had to go. Must not know the bus.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, takewhile

from edgectl.stack.ops.clock import Clock

PROBES = 20  # events that are sent again at a time while no receipt comes at all

_ROOMY = 0.9  # of its room: below it, it is not full any more


@dataclass(slots=True)
class Waiting:
    """One event, and when it was sent, first and last (`first` None: not yet)."""

    id: str
    topic: str
    data: bytes
    first: float | None = None
    last: float = 0.0


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
        self._new: dict[str, Waiting] = {}  # to be sent, oldest first
        self._sent: dict[str, Waiting] = {}  # by when they were sent last
        self._lost = self._received = 0
        self._full = False
        self._heard = float("-inf")

    def put(self, event_id: str, topic: str, data: bytes) -> int:
        """Keep an event until its receipt; returns how many had to go for it (0 or 1)."""
        with self._lock:
            gone = int(len(self._new) + len(self._sent) >= self._room)
            if gone:
                oldest = self._sent or self._new
                oldest.pop(next(iter(oldest)))
                self._full = True
                self._lost += 1
            self._new[event_id] = Waiting(event_id, topic, data)
            return gone

    def receipt(self, ids: Iterable[str]) -> int:
        """Let go what the uplink has; returns how many of these ids were known."""
        with self._lock:
            known = sum((self._sent.pop(one, None) or self._new.pop(one, None)) is not None for one in ids)
            if known:
                self._heard = self._clock.monotonic()
                self._received += known
            if len(self._new) + len(self._sent) <= self._room * _ROOMY:
                self._full = False
            return known

    def due(self) -> list[Waiting]:
        """Return what to send now: what has waited too long for its receipt, then what was not sent yet."""
        now = self._clock.monotonic()
        with self._lock:
            # With nobody there to take them, all of them every 30 seconds would only fill the bus.
            limit = None if now - self._heard < self._resend_seconds else PROBES
            overdue = takewhile(lambda one: now - one.last >= self._resend_seconds, self._sent.values())
            return [*islice(overdue, limit), *self._new.values()]

    def sent(self, event: Waiting) -> None:
        """Note that an event was given to the bus."""
        now = self._clock.monotonic()
        with self._lock:
            if self._new.pop(event.id, None) or self._sent.pop(event.id, None):  # else its receipt was faster
                event.first = now if event.first is None else event.first
                event.last = now
                self._sent[event.id] = event

    def again(self) -> None:
        """Make all of it due: the bus is a new one."""
        with self._lock:
            self._new = {**self._sent, **self._new}
            self._sent = {}

    def outlook(self) -> Outlook:
        """Return how it stands."""
        now = self._clock.monotonic()
        with self._lock:
            waiting = [*self._sent.values(), *self._new.values()]
            oldest = min((one.first for one in waiting if one.first is not None), default=now)
            return Outlook(len(waiting), self._room, self._lost, self._full, self._received, now - oldest)
