"""A run's journal, sent to an operator as it grows: from an offset on, to its verdict.

Owns: when a run counts as lost. Reads the journal and changes nothing; it may die at any moment.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

from edgectl.node.converge import journal
from edgectl.node.converge.lock import holder
from edgectl.node.io.places import Places
from edgectl.wire import event

BEAT_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOST_SECONDS = 5.0


class Told(Protocol):
    """Whoever follows a run: an operator over the link, or a person at the rack."""

    def send(self, op: str, /, **fields: Any) -> None:
        """Take one word of it."""


def tail(places: Places, frames: Told, run: str, offset: int, *, wait: bool = True) -> None:
    """Send a run's events from an offset on, until its verdict (or, without `wait`, as far as it is).

    `lost` says that there is no such run, or that it ended without a verdict.
    """
    path = journal.find(run, *places.journals) if run else journal.newest(*places.journals)
    if path is None:
        frames.send("lost", run=run, found=False)
        return
    beat = quiet = time.monotonic()
    while True:
        events = journal.follow(path, offset)
        for item, behind in events:
            offset = behind  # how far the operator is, also if the link breaks at this event
            frames.send("event", event=brief(item), offset=offset)
            if item.get("kind") == event.VERDICT:
                frames.send("end", run=run, offset=offset)
                return
        if not wait:
            frames.send("end", run=run, offset=offset)
            return
        now = time.monotonic()
        if events:
            beat = quiet = now
            continue
        if now - quiet > _LOST_SECONDS and not _runs(places, path):
            frames.send("lost", run=run, found=True)
            return
        if now - beat > BEAT_SECONDS:
            frames.send("beat")
            beat = now
        time.sleep(_POLL_SECONDS)


def _runs(places: Places, path: Path) -> bool:
    found = holder(places.run)
    return found is not None and path.name.endswith(f"-{found.get('run')}.jsonl")


def brief(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, and the run id that both sides know: a no-op costs a few kilobytes."""
    return {key: value for key, value in item.items() if value not in ("", [], {}) and key not in {"run", "time"}}
