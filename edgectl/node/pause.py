"""Hands-on work: a pause stops boot and timer runs until it ends, by itself.

Owns: /var/lib/edgectl/pause.json. A clock that went back behind the pause's beginning ends it, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.length import LONGEST_SECONDS


@dataclass(frozen=True)
class Pause:
    """Who paused the store, why, from when to when (seconds since the epoch, the node's clock)."""

    who: str
    why: str
    since: float
    until: float

    def sentence(self) -> str:
        """Say it to a person."""
        ends = datetime.fromtimestamp(self.until, timezone.utc).strftime("%F %H:%M UTC")
        return f"paused by {self.who} until {ends}: {self.why}"


def read(places: Places, *, now: Callable[[], float] = time.time) -> Pause | None:
    """Return the pause in force; None when there is none."""
    try:
        pause = from_json(Pause, json.loads(places.pause.read_bytes()))
    except (OSError, ValueError):
        return None
    return pause if pause.since - 60 <= now() < pause.until else None


def begin(places: Places, *, who: str, why: str, seconds: float, now: Callable[[], float] = time.time) -> Pause:
    """Pause from now on; a pause in force is replaced."""
    pause = Pause(who, why, now(), now() + min(seconds, LONGEST_SECONDS))
    write_atomic(places.pause, canonical(to_json(pause)))
    return pause


def end(places: Places) -> None:
    """End the pause, if any."""
    places.pause.unlink(missing_ok=True)
