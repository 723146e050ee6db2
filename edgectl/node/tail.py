"""A run's journal, sent to an operator as it grows: from an offset on, to its verdict.

Owns: when a run counts as lost. Reads the journal and changes nothing; it may die at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from edgectl.node.converge import journal
from edgectl.node.converge.lock import holder
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.reboot.record import awaited
from edgectl.wire import event

BEAT_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOST_SECONDS = 5.0
_GATHER_SECONDS = 0.25  # events of so long a time go out together: a packet each was a sixth of what a no-op costs


class Told(Protocol):
    """Whoever follows a run: an operator over the link, or a person at the rack."""

    def send(self, op: str, /, **fields: Any) -> None:
        """Take one word of it."""

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        """Take several words of one kind."""


def tail(places: Places, frames: Told, run: str, offset: int, *, wait: bool = True) -> None:
    """Send a run's events from an offset on, until its verdict (or, without `wait`, as far as it is).

    `lost` says that there is no such run, or that it ended without a verdict.
    """
    beat = quiet = time.monotonic()
    look = Look(places)
    while (path := journal.find(run, *places.journals) if run else journal.newest(*places.journals)) is None:
        if not wait or not _restarts(places, look, run):
            frames.send("lost", run=run, found=False)
            return
        beat = _beat(frames, beat)
    if offset > path.stat().st_size:  # a power cut in a restart took the file, and the run has begun another one
        offset = 0
    while True:
        events, has_ended = _to_verdict(journal.follow(path, offset))
        now = time.monotonic()
        if events and (has_ended or not wait or now - quiet >= _GATHER_SECONDS or _goes_down(events)):
            frames.send_all("event", [{"event": brief(item), "offset": behind} for item, behind in events])
            offset = events[-1][1]
            beat = quiet = now
        if has_ended or not wait:
            frames.send("end", run=run, offset=offset)
            return
        if now - quiet > _LOST_SECONDS and not _runs(places, path) and not _restarts(places, look, run):
            frames.send("lost", run=run, found=True)
            return
        beat = _beat(frames, beat)


def _to_verdict(events: list[tuple[dict[str, Any], int]]) -> tuple[list[tuple[dict[str, Any], int]], bool]:
    """Return the events up to the run's verdict, and whether it is among them."""
    for number, (item, _) in enumerate(events, 1):
        if item.get("kind") == event.VERDICT:
            return events[:number], True
    return events, False


def _goes_down(events: list[tuple[dict[str, Any], int]]) -> bool:
    """Tell whether the machine is about to take the line away: said now, or not before it is back."""
    return any(item.get("word") == event.REBOOTING for item, _ in events)


def _beat(frames: Told, beat: float) -> float:
    """Wait a moment; say now and then that somebody is here. Returns when that was said last."""
    if (now := time.monotonic()) - beat > BEAT_SECONDS:
        frames.send("beat")
        beat = now
    time.sleep(_POLL_SECONDS)
    return beat


def _restarts(places: Places, look: Look, run: str) -> bool:
    """Tell whether the run goes on after a restart of its machine: then nobody is at it for a while."""
    found = awaited(places, look)
    return found is not None and bool(run) and found.request.run.startswith(run)


def _runs(places: Places, path: Path) -> bool:
    found = holder(places.run)
    return found is not None and path.name.endswith(f"-{found.get('run')}.jsonl")


def brief(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, and the run id that both sides know: a no-op costs a few kilobytes."""
    return {key: value for key, value in item.items() if value not in ("", [], {}) and key not in {"run", "time"}}
