"""What telling upward has come to in this boot: what has arrived already, and when to try again.

Owns: the note on tmpfs. Losing it means that the newest entry is told twice, no more.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json

FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 900.0


@dataclass(frozen=True)
class Told:
    """Times that are compared are monotonic seconds, those that are shown the node's clock."""

    acked: tuple[str, ...] = ()  # entries that have arrived and are still here
    fails: int = 0  # tries in vain, one after the other
    again: float = 0.0  # no try before it
    why: str = ""  # the last try in vain, in one sentence
    since: str = ""  # the first of those tries
    last: str = ""  # when something arrived
    owed: int = 0  # bytes of journals beyond what a minute may take
    refused: int = 0  # entries that the other side did not want, ever
    refusal: str = ""  # the last of them

    def well(self, *, time: str) -> Told:
        """Return what holds after an answer that took an entry."""
        return replace(self, fails=0, again=0.0, why="", since="", last=time)

    def failed(
        self, why: str, *, now: float, time: str, after: float = 0.0, draw: Callable[[], float] = random.random
    ) -> Told:
        """Return what holds after a try in vain: the next comes after a pause that doubles, up to 15 minutes.

        Drawn between half of it and all, so that stores that lost the same line do not come back at one moment.
        """
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.fails, 10), LONGEST_PAUSE_SECONDS)
        pause = min(max(pause * (0.5 + draw() / 2), after), LONGEST_PAUSE_SECONDS)
        return replace(self, fails=self.fails + 1, again=now + pause, why=why, since=self.since or time)


def read(places: Places) -> Told:
    """Return what is noted; nothing of another boot."""
    try:
        return from_json(Told, json.loads((places.run / "uplink.json").read_bytes()))
    except (OSError, ValueError):
        return Told()


def keep(places: Places, told: Told) -> None:
    """Note it."""
    with suppress(OSError):
        write_atomic(places.run / "uplink.json", canonical(to_json(told)))
