"""Hysteresis: a thing that has failed once is not away, and one that has answered once is not back.

Owns: the counting, and how often a thing that is away is tried. Must not know what is counted.
"""

from __future__ import annotations

import threading

FAILURES = 3  # in a row, to be away
ANSWERS = 3  # in a row, to be back
PROBE_SECONDS = 1.0


class Steady:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0  # above 0: answers, below: failures
        self._away = False
        self._tried = float("-inf")

    @property
    def away(self) -> bool:
        """Whether it is away."""
        return self._away

    def worked(self) -> bool:
        """Count an answer; tells whether it is away."""
        with self._lock:
            self._in_a_row = max(self._in_a_row, 0) + 1
            if self._in_a_row >= ANSWERS:
                self._away = False
            if self._away:
                self._tried = float("-inf")  # it answers: try at once again
            return self._away

    def failed(self, *, surely: bool = False) -> bool:
        """Count a failure, or one that needs no second; tells whether it is away."""
        with self._lock:
            self._in_a_row = min(self._in_a_row, 0) - 1
            if surely or self._in_a_row <= -FAILURES:
                self._away = True
            return self._away

    def may_try(self, now: float) -> bool:
        """Tell whether to try at `now` (seconds): always, but once in a while when it is away."""
        with self._lock:
            if self._away and now - self._tried < PROBE_SECONDS:
                return False
            self._tried = now
            return True
