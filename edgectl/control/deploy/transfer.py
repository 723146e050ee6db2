"""How far the bytes of a deploy are: of all nodes of the store together, measured, with the time that is left.

Owns what was given to the link, what has arrived of it, and the rate of the last seconds. Must not know how it is
shown, nor what is sent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 10.0
_LEAST_SECONDS = 2.0  # less says nothing about a line
_STEP_SECONDS = 0.2  # between two samples: a fast line gives thousands of pieces a second


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. What an earlier try has left counts, and it never goes back.

    `rate` is None when it is too early to tell; `seconds_left` also when nothing moves.
    """

    sent_bytes: int
    total_bytes: int
    rate: float | None = None
    seconds_left: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether all has arrived."""
        return self.sent_bytes >= self.total_bytes


@dataclass(slots=True)
class _Share:
    """One node's part: what it lacked at first, what it lacks since the link stands, what was given and queued."""

    total: int
    missing: int
    queued: Callable[[], int]
    given: int = 0
    moved: int = 0

    def look(self) -> int:
        """Return the bytes that have arrived over this link, as far as can be told; never fewer than before."""
        self.moved = max(self.moved, self.given - self.queued())
        return self.moved


class Transfer:
    """One transfer into a store. Called by the threads of all its nodes, and by whoever shows it.

    `seconds` says how long so many bytes take at a rate; it knows the limits that will come.
    """

    def __init__(
        self,
        seconds: Callable[[float, float], float] = lambda count, rate: count / rate,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._shares: dict[str, _Share] = {}
        self._samples: deque[tuple[float, int]] = deque()
        self._earlier = 0  # moved over links that are gone
        self._shown = 0
        self.measured: float | None = None  # the last rate that was seen

    def begin(self, node: str, missing: int, queued: Callable[[], int] = lambda: 0) -> None:
        """Begin, or go on after a lost link: so much is missing on this node, by its own word."""
        with self._lock:
            before = self._shares.get(node)
            if before is None and all(share.moved >= share.missing for share in self._shares.values()):
                self._shares.clear()  # another stage of the same deploy
                self._shown = self._earlier = 0
            if before is not None:
                self._earlier += before.moved
            total = missing if before is None else max(before.total, missing)
            self._shares[node] = _Share(total, missing, queued)
            self._samples.clear()  # the silence in between was no transfer
            self._sample()

    def add(self, node: str, count: int) -> None:
        """Note that bytes were given to the link."""
        with self._lock:
            self._shares[node].given += count
            self._sample()

    def drop(self, node: str) -> None:
        """Forget a node that will not take the rest; what it has taken was sent."""
        with self._lock:
            if share := self._shares.get(node):
                share.total -= max(share.missing - share.moved, 0)
                share.missing = share.moved

    def knows(self, node: str) -> bool:
        """Tell whether something has been sent to this node, or was to be."""
        with self._lock:
            return node in self._shares

    def now(self) -> Progress:
        """Look."""
        with self._lock:
            self._sample()
            arrived = sum(share.total - share.missing + share.moved for share in self._shares.values())
            total = sum(share.total for share in self._shares.values())
            self._shown = max(self._shown, arrived)
            rate = self._rate()
            if rate:
                self.measured = rate
            left = total - arrived
            seconds = 0.0 if left <= 0 else self._seconds(left, rate) if rate else None
            return Progress(min(self._shown, total), total, rate, seconds)

    def has_arrived(self, node: str) -> bool:
        """Tell whether all that was given for this node has arrived, as far as can be told."""
        with self._lock:
            share = self._shares[node]
            return share.look() >= share.given

    def _sample(self) -> None:
        moved = self._earlier + sum(share.look() for share in self._shares.values())
        now = self._clock()
        known = self._samples
        if len(known) == 1 and known[0][1] == moved:  # the wait for the first byte is the way there, not the line
            known.clear()
        elif len(known) > 1 and known[-1][0] - known[-2][0] < _STEP_SECONDS:
            known.pop()
        known.append((now, moved))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_SECONDS:  # noqa: PLR2004 - two make a rate
            self._samples.popleft()

    def _rate(self) -> float | None:
        (began, first), (now, last) = self._samples[0], self._samples[-1]
        seconds = now - began
        return (last - first) / seconds if seconds >= _LEAST_SECONDS else None
