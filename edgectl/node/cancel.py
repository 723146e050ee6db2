"""A cancelled deploy: its candidate is dropped between two steps, and what ran before is put back.

Owns: /run/edgectl/cancel.json, which names one sequence and is gone at the next boot.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire import event
from edgectl.wire.document import canonical, from_json, to_json


@dataclass(frozen=True)
class _Cancel:
    sequence: int
    who: str


def begin(places: Places, *, sequence: int, who: str) -> None:
    """Ask whoever converges this candidate to stop."""
    write_atomic(places.run / "cancel.json", canonical(to_json(_Cancel(sequence, who))))


def read(places: Places, sequence: int) -> str:
    """Return the sentence when this candidate is cancelled, else ""."""
    try:
        found = from_json(_Cancel, json.loads((places.run / "cancel.json").read_bytes()))
    except (OSError, ValueError):
        return ""
    return f"cancelled by {found.who}" if found.sequence == sequence else ""


def ask(places: Places, who: str) -> str | None:
    """Drop what is being deployed; returns the run to follow to its end, "" when none runs, None when nothing is.

    A store's first candidate is not dropped: it stays where it is until somebody deploys again, or the next boot.
    """
    slots = Slots(places)
    candidate = slots.candidate
    if candidate is None:
        return None
    begin(places, sequence=candidate.envelope.sequence, who=who)
    lock = Lock(places.run, {"run": "", "kind": "cancel", "pid": os.getpid()})
    if not lock.acquire():
        return str((holder(places.run) or {}).get("run", ""))
    with lock:
        candidate = slots.candidate  # again: its run may have ended in between
        if candidate is not None and slots.current is not None:
            slots.reject(candidate, reason=f"cancelled by {who}", time=event.now(), run="")
    return ""


def end(places: Places) -> None:
    """Forget it: a person deploys again."""
    (places.run / "cancel.json").unlink(missing_ok=True)
