"""The one clock of all services: the machine's, or one that runs faster from a moment on, for tests of long times.

Owns: `EDGECTL_CLOCK=SPEED@EPOCH` (e.g. `60@1764277200`: sixty times as fast since that second), the same for all
pods of a store, so that they agree. Time limits of sockets are not its matter: those are real seconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol


class Clock(Protocol):
    """What services ask for the time, and wait by. Seconds."""

    def now(self) -> float:
        """Return seconds since 1970."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an unknown beginning."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait so long, or until `stop` is set; says whether it is."""


class SystemClock:
    """The machine's clock, `speed` times as fast since `origin` (seconds since 1970)."""

    def __init__(
        self,
        speed: float = 1.0,
        origin: float = 0.0,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"a clock's speed is more than 0, not {speed}")
        self._speed, self._origin = speed, origin
        self._wall, self._monotonic = wall, monotonic

    def now(self) -> float:
        """Return seconds since 1970, as this clock counts them."""
        return self._origin + (self._wall() - self._origin) * self._speed

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._monotonic() * self._speed

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait so many of this clock's seconds, or until `stop` is set."""
        return stop.wait(max(seconds, 0.0) / self._speed)


def from_env(env: Mapping[str, str] = os.environ) -> SystemClock:
    """Return the clock that EDGECTL_CLOCK names; ValueError says what is wrong with it."""
    text = env.get("EDGECTL_CLOCK", "")
    if not text:
        return SystemClock()
    speed, _, origin = text.partition("@")
    try:
        return SystemClock(float(speed), float(origin or 0))
    except ValueError as error:
        raise ValueError(f"EDGECTL_CLOCK={text!r} is not SPEED@EPOCH, e.g. 60@1764277200: {error}") from error
