"""How far the bytes of a deploy are: of all nodes of the store together, measured, with the time that is left.

Owns what was given to the link, what has arrived of it, and the rate of the last seconds. What is told is content; the
rate is of bytes on the line, which are fewer where content is packed. Must not know how it is shown, nor what is sent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_SECONDS = 10.0
_LEAST_SECONDS = 2.0  # less says nothing about a line
_STEP_SECONDS = 0.2  # between two samples: a fast line gives thousands of pieces a second


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, in bytes of content. What an earlier try has left counts, and it never goes back.

    `rate` is of bytes on the line, as `wire_bytes` are; None when it is too early to tell. `seconds_left` is None also
    when nothing moves.
    """

    sent_bytes: int
    total_bytes: int
    rate: float | None = None
    seconds_left: float | None = None
    wire_bytes: int = 0

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
    given: int = 0  # bytes on the line
    moved: int = 0  # of them
    content: int = 0  # that has moved
    writes: deque[tuple[int, int]] = field(default_factory=deque)  # (line, content) of what has not moved

    def give(self, content: int, wire: int) -> None:
        """Note a write."""
        self.given += wire
        self.writes.append((wire, content))

    def look(self) -> None:
        """See what has arrived over this link, as far as can be told; never fewer bytes than before.

        A write that has arrived in part counts in part: its content lies in it as evenly as one can know.
        """
        came = max(self.given - self.queued() - self.moved, 0)
        self.moved += came
        while self.writes and came >= self.writes[0][0]:
            wire, content = self.writes.popleft()
            came -= wire
            self.content += content
        if came:
            wire, content = self.writes[0]
            part = content * came // wire
            self.writes[0] = (wire - came, content - part)
            self.content += part


class Transfer:
    """One transfer into a store. Called by the threads of all its nodes, and by whoever shows it.

    `seconds` says how long so many bytes on the line take at a rate; it knows the limits that will come.
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
        self._samples: deque[tuple[float, int, int]] = deque()  # (time, bytes on the line, content)
        self._earlier = 0, 0  # both, over links that are gone
        self._shown = 0
        self.measured: float | None = None  # the last rate that was seen

    def begin(self, node: str, missing: int, queued: Callable[[], int] = lambda: 0, *, again: bool = False) -> None:
        """Begin, or go on after a lost link: so much is missing on this node, by its own word.

        `again`: it had arrived, and must be sent once more; that is more to send, not a step back.
        """
        with self._lock:
            before = self._shares.get(node)
            if before is None and all(share.content >= share.missing for share in self._shares.values()):
                self._shares.clear()  # another stage of the same deploy
                self._shown, self._earlier = 0, (0, 0)
            total = missing
            if before is not None:
                self._earlier = self._earlier[0] + before.moved, self._earlier[1] + before.content
                total = before.total + missing if again else max(before.total, missing)
            self._shares[node] = _Share(total, missing, queued)
            self._samples.clear()  # the silence in between was no transfer
            self._sample()

    def add(self, node: str, content: int, wire: int) -> None:
        """Note a write to the link: how much content it stands for, and how many bytes it is."""
        with self._lock:
            self._shares[node].give(content, wire)
            self._sample()

    def drop(self, node: str) -> None:
        """Forget a node that will not take the rest; what it has taken was sent."""
        with self._lock:
            if share := self._shares.get(node):
                share.total -= max(share.missing - share.content, 0)
                share.missing = share.content

    def knows(self, node: str) -> bool:
        """Tell whether something has been sent to this node, or was to be."""
        with self._lock:
            return node in self._shares

    def now(self) -> Progress:
        """Look."""
        with self._lock:
            self._sample()
            arrived = sum(share.total - share.missing + share.content for share in self._shares.values())
            total = sum(share.total for share in self._shares.values())
            self._shown = max(self._shown, arrived)
            rate, density = self._rate()
            if rate:
                self.measured = rate
            left = total - arrived
            seconds = 0.0 if left <= 0 else self._seconds(left / density, rate) if rate and density else None
            return Progress(min(self._shown, total), total, rate, seconds, self._samples[-1][1])

    def has_arrived(self, node: str) -> bool:
        """Tell whether all that was given for this node has arrived, as far as can be told."""
        with self._lock:
            share = self._shares[node]
            share.look()
            return share.moved >= share.given

    def _sample(self) -> None:
        for share in self._shares.values():
            share.look()
        moved = self._earlier[0] + sum(share.moved for share in self._shares.values())
        content = self._earlier[1] + sum(share.content for share in self._shares.values())
        now = self._clock()
        known = self._samples
        if len(known) == 1 and known[0][1] == moved:  # the wait for the first byte is the way there, not the line
            known.clear()
        elif len(known) > 1 and known[-1][0] - known[-2][0] < _STEP_SECONDS:
            known.pop()
        known.append((now, moved, content))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_SECONDS:  # noqa: PLR2004 - two make a rate
            self._samples.popleft()

    def _rate(self) -> tuple[float | None, float]:
        """Return the bytes on the line a second, and how many bytes of content each of them stood for."""
        (began, *first), (now, *last) = self._samples[0], self._samples[-1]
        wire, content = last[0] - first[0], last[1] - first[1]
        if now - began < _LEAST_SECONDS:
            return None, 0.0
        return wire / (now - began), content / wire if wire else 0.0
