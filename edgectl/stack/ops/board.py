"""What a service says of itself: a state of its own and one for each thing that it needs, with their beginnings.

Owns: the rule of its own state (the worst of what it is told) and of `since` (it moves only when the word does).
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from edgectl.stack.ops.clock import Clock
from edgectl.wire.chain import DEGRADED, NOT_READY, READY, WORST, State, Status

OWN = ""


class Board:
    """Safe to use from many threads."""

    def __init__(self, service: str, version: str, clock: Clock) -> None:
        self._service, self._version, self._clock = service, version, clock
        self._lock = threading.Lock()
        self._states: dict[str, State] = {OWN: State(NOT_READY, "it starts", "", clock.now())}
        self._facts: dict[str, Any] = {}

    def ready(self, link: str = OWN, reason: str = "") -> None:
        """Say that the service, or a thing that it needs, is well."""
        self._set(link, State(READY, reason))

    def degraded(self, link: str, reason: str, kind: str, *, since: float = 0.0) -> None:
        """Say that it works, but not whole; `since` where that began before it was said (seconds since 1970)."""
        self._set(link, State(DEGRADED, reason, kind, since))

    def not_ready(self, link: str, reason: str, kind: str, *, since: float = 0.0) -> None:
        """Say that it does not work; `since` as above."""
        self._set(link, State(NOT_READY, reason, kind, since))

    def drop(self, link: str) -> None:
        """Need a thing no more."""
        with self._lock:
            self._states.pop(link, None)

    def fact(self, name: str, value: Any) -> None:
        """Note a figure (JSON) for people and gates."""
        with self._lock:
            self._facts[name] = value

    def state(self, link: str = OWN) -> State:
        """Return how one thing is."""
        with self._lock:
            return self._states.get(link, State())

    def status(self) -> Status:
        """Return all of it. What a service needs makes it degraded at worst: what it can do, it says of itself."""
        with self._lock:
            own, links = self._states[OWN], {name: state for name, state in self._states.items() if name != OWN}
            facts = dict(self._facts)
        bad = [(name, state) for name, state in links.items() if state.word != READY]
        if own.word == READY and bad:
            name, worst = max(bad, key=lambda found: WORST.index(found[1].word))
            own = State(DEGRADED, f"{name}: {worst.reason}", worst.kind, worst.since)
        return Status(self._service, self._version, own, links, facts)

    def _set(self, link: str, state: State) -> None:
        with self._lock:
            before = self._states.get(link)
            began = state.since or self._clock.now()
            since = before.since if before is not None and before.word == state.word else began
            self._states[link] = replace(state, since=since)
