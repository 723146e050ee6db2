"""A listener that shows nothing: it remembers of one store of many what is needed when it ends, or is left.

Owns how much is remembered: the last word of each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgectl.control.deploy.caps import Caps, Forecast
    from edgectl.control.deploy.transfer import Progress
    from edgectl.control.payload.effects import Pause


class Left(Exception):
    """A person has stopped watching before this store has begun."""


class Watch:
    """One store that is under way. `own` are names and addresses that no other store has."""

    def __init__(self) -> None:
        self.run = ""
        self.own: tuple[str, ...] = ()
        self._steps: dict[str, dict[str, Any]] = {}
        self._gate = Lock()
        self._is_left = False
        self._when_left: Callable[[], None] | None = None

    @contextmanager
    def begins(self) -> Iterator[None]:
        """Hold what begins in the block back from being left in between; Left where it has been left."""
        with self._gate:
            if self._is_left:
                raise Left("stopped before it has begun")
            yield

    def when_left(self, do: Callable[[], None]) -> None:
        """Remember what is to be done if a person stops watching."""
        self._when_left = do

    def leave(self) -> None:
        """Stop watching: what is to be done then is done by who leaves, since the thread at work may never end."""
        with self._gate:
            self._is_left = True
            if self._when_left is not None:
                self._when_left()

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """The last word of each step, in the order of the recipe."""
        return tuple(self._steps.values())

    def started(self, run: str, sequence: int) -> None:
        """Remember that the node goes on by itself from here."""
        del sequence
        self.run = run

    def event(self, event: dict[str, Any]) -> None:
        """Remember a step's last word; nodes of a store have steps of the same names."""
        if event.get("kind") == "step":
            self._steps[f"{event.get('step', '')} {event.get('title', '')}"] = event

    def take(self, events: Iterable[dict[str, Any]]) -> None:
        """Remember what a look at all nodes of the store has shown, instead of what was heard of one."""
        self._steps.clear()
        for item in events:
            self.event(item)

    def connected(self, hello: dict[str, Any]) -> None:
        """Nothing to remember."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Nothing to remember."""

    def foreseen(self, forecast: Forecast, pauses: Sequence[Pause]) -> None:
        """Nothing to remember: the outcome has it."""

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Nothing to remember."""

    def sending(self, look: Callable[[], Progress]) -> None:
        """Nothing to remember."""

    def note(self, sentence: str) -> None:
        """Nothing to remember."""

    def restarting(self, node: str, reason: str) -> None:
        """Nothing to remember: the outcome has it."""

    def restarted(self, node: str, seconds: float | None) -> None:
        """Nothing to remember."""

    def link_lost(self, why: str, attempt: int) -> None:
        """Nothing to remember."""

    def link_back(self) -> None:
        """Nothing to remember."""
