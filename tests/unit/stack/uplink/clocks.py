"""A clock that goes when it is told to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class SteppedClock:
    """Both times are the same number; who waits has waited."""

    at: float = 1_800_000_000.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        """As Clock."""
        return self.at

    def monotonic(self) -> float:
        """As Clock."""
        return self.at

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """As Clock."""
        self.waits.append(seconds)
        self.at += seconds
        return stop.is_set()
