"""How fast bytes may go: one pace for all that is sent over one line, with a limit that may change meanwhile.

Owns the waiting. Must not know what is sent, nor where the limit comes from.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgectl.wire.frame import CHUNK_BYTES

_LIMITED_BYTES = 8 * 1024  # small pieces under a limit: 64 kbit/s still moves every second
_LEAST_BYTES = 1024  # and 8 kbit/s, too: the node takes a long silence for a dead sender


class Pace:
    """Keep the average of all senders together under a limit; a pause does not earn a burst.

    `limit` gives bytes a second, None for no limit; it is asked again before each piece.
    """

    def __init__(
        self,
        limit: Callable[[], float | None] = lambda: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self._lock = threading.Lock()

    @property
    def piece_bytes(self) -> int:
        """How much may go at once now."""
        limit = self._limit()
        return CHUNK_BYTES * 4 if limit is None else max(_LEAST_BYTES, min(_LIMITED_BYTES, int(limit)))

    def wait(self, count: int) -> None:
        """Wait until `count` more bytes may go; whoever asks first goes first."""
        limit = self._limit()
        with self._lock:
            now = self._clock()
            begins = max(self._due, now) if limit is not None else now
            self._due = begins + (count / limit if limit is not None else 0.0)
        if begins > now:
            self._sleep(begins - now)
