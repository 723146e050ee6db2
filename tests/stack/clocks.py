"""A clock for tests: it stands until a test moves it, and nobody who waits by it loses time."""

from __future__ import annotations

import threading


class HandClock:
    """Moves by hand; whoever waits moves it, too."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.time = now

    def now(self) -> float:
        """Return seconds since 1970."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds."""
        return self.time

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Be so much later at once."""
        self.time += max(seconds, 0.0)
        return stop.is_set()
