"""How the sink stands, over time: a first failure is no state yet, and `since` is when it began.

Owns: the hysteresis. Must not know how anything is sent. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.uplink.dial import DNS, FILES, TCP, TLS
from edgectl.stack.uplink.egress import DATE, Fault
from edgectl.wire.chain import CLOCK, CONFIG, NETWORK

LINK = "sink"
_BEFORE_WORDS = (FILES, DNS, TCP, TLS)
_FAILURES, _SECONDS = 2, 10.0
SLOW_SECONDS = 1.5  # of a small request: a canary frame would be given up on the way


class Line:
    """Told of each try; says on the board what lasts."""

    def __init__(self, board: Board, clock: Clock, name: str) -> None:
        self._board, self._clock, self._name = board, clock, name
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._failures = 0
        self._since = self._since_monotonic = 0.0
        self._heard = -1e9
        self._slow = 0.0
        self._called: list[Callable[[], None]] = []

    def on_back(self, call: Callable[[], None]) -> None:
        """Have `call` called when the sink takes something after it had not; it must not wait for anything."""
        self._called.append(call)

    def well(self, *, took_seconds: float = 0.0, small: bool = False) -> None:
        """Note that the sink has taken something, and how long that took: of a large batch it tells of the way there.

        What is slow is small, and what is fast, of any size, ends that.
        """
        with self._lock:
            self._heard = self._clock.monotonic()
            back = self._fault is not None
            self._fault, self._failures = None, 0
            if small or took_seconds < SLOW_SECONDS:
                self._slow = took_seconds if took_seconds >= SLOW_SECONDS else 0.0
            self._say_well("takes events")
        for call in self._called if back else ():
            call()

    def looked(self) -> None:
        """Note that TCP and TLS are well, with nothing said over them: that takes back no refusal of what was said."""
        with self._lock:
            self._heard = self._clock.monotonic()
            if self._fault is None or self._fault.stage in _BEFORE_WORDS:
                self._fault, self._failures = None, 0
                self._say_well("is reached")

    def failed(self, fault: Fault) -> None:
        """Note that it has not, and why; a clock that differs counts, too, though events are taken."""
        with self._lock:
            self._heard = self._clock.monotonic()
            if self._fault is None:
                self._since, self._since_monotonic = self._clock.now(), self._heard
            self._fault = fault
            self._failures += 1
            self._say()

    def tick(self) -> None:
        """Say what has lasted by now."""
        with self._lock:
            self._say()

    @property
    def down(self) -> bool:
        """Tell whether events do not get through, by now for sure."""
        with self._lock:
            return self._fault is not None and self._fault.stage != DATE and self._lasts()

    @property
    def unsure(self) -> bool:
        """Tell whether the last try has failed, and that may yet be nothing."""
        with self._lock:
            return self._fault is not None and not self._lasts()

    def rests(self, seconds: float) -> bool:
        """Tell whether nothing was heard of it for so long."""
        with self._lock:
            return self._clock.monotonic() - self._heard >= seconds

    def _lasts(self) -> bool:
        return self._failures >= _FAILURES or self._clock.monotonic() - self._since_monotonic >= _SECONDS

    def _say(self) -> None:
        fault = self._fault
        # What people have set, and clocks, do not heal themselves: believed at once.
        if fault is not None and (fault.kind in {CONFIG, CLOCK} or self._lasts()):
            says = self._board.degraded if fault.stage == DATE else self._board.not_ready
            says(LINK, fault.sentence, fault.kind, since=self._since)

    def _say_well(self, how: str) -> None:
        if self._slow:
            self._board.degraded(LINK, f"{self._name}: takes one event in {self._slow:.1f} s: slow", NETWORK)
        else:
            self._board.ready(LINK, f"{self._name} {how}")
