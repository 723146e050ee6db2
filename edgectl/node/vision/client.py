"""A client of inference while its pods are replaced: it asks all the time, as those in the store do.

Owns: how long it was without an answer. Any answer counts; the gate judges. It ends with the gate, or by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.vision.inference import OK, address_of, ask
from edgectl.node.vision.question import known
from edgectl.wire.payload import Inference

_EVERY_SECONDS = 0.2
_ANSWER_SECONDS = 1.0
_MOST_SECONDS = 1800.0


class Client(threading.Thread):
    """Asks from now on. `ask` tells whether there was an answer, within a second or so."""

    def __init__(self, ask: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(daemon=True)
        self._ask = ask
        self._monotonic = monotonic
        self._over = threading.Event()
        self._answered, self._waits, self._longest = monotonic(), False, 0.0

    def run(self) -> None:
        """Ask, until somebody wants to know."""
        until = self._answered + _MOST_SECONDS
        while not self._over.is_set() and self._monotonic() < until:
            self.took(answered=self._ask())
            self._over.wait(_EVERY_SECONDS)

    def took(self, *, answered: bool, at: float | None = None) -> None:
        """Take one question's end; the time between two answers counts where there was a question without one."""
        if not answered:
            self._waits = True
            return
        now = self._monotonic() if at is None else at
        if self._waits:
            self._longest = max(self._longest, now - self._answered)
        self._answered, self._waits = now, False

    def away(self) -> float:
        """End: the gate has had an answer just now. Return the longest time without one, in seconds."""
        now = self._monotonic()
        self._over.set()
        if self.is_alive():
            self.join(2 * _ANSWER_SECONDS)
        self.took(answered=True, at=now)
        return self._longest


def client_of(read: Look, declared: Inference) -> Client | None:
    """Return a client that asks inference by its Service's address; None where there is nothing to ask yet."""
    try:
        want, _ = known(read, declared)
        address = address_of(read, want)
    except (LookFailed, Denied):
        return None
    if not address:
        return None
    client = Client(lambda: ask(address, want, seconds=_ANSWER_SECONDS)[0] == OK)
    client.start()
    return client
