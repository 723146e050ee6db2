"""How many requests may be inside at once, and how large they are together: memory has a bound, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Crowded(Exception):
    """There is no room now."""


class Room:
    """`requests` at once, `most_bytes` together; one alone may have any size."""

    def __init__(self, requests: int, most_bytes: int) -> None:
        self._requests, self._most = requests, most_bytes
        self._inside = self._bytes = 0
        self._cond = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Be inside for the time of the `with`; Crowded when there is no room."""
        with self._cond:
            if self._inside >= self._requests or (self._inside and self._bytes + size > self._most):
                raise Crowded
            self._inside, self._bytes = self._inside + 1, self._bytes + size
        try:
            yield
        finally:
            with self._cond:
                self._inside, self._bytes = self._inside - 1, self._bytes - size
                self._cond.notify_all()

    def empty(self, seconds: float) -> bool:
        """Wait until nobody is inside; says whether it came to that."""
        with self._cond:
            return self._cond.wait_for(lambda: not self._inside, timeout=seconds)
