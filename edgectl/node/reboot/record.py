"""What outlives a restart that edgectl has asked for: how often, why, and the run that goes on after it.

Owns: /var/lib/edgectl/reboot.json, old or new, never torn, and the mark on tmpfs of a machine that goes down.
Must not know who asks for a restart, nor what the run does.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.request import Request
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.verdict import Verdict

GOES_DOWN_SECONDS = 180.0  # a machine that has been told to, until it is no longer waited for
COMES_BACK_SECONDS = 600.0  # of a boot, until its first run has begun
KEEP = 40  # sequences and causes


@dataclass(frozen=True)
class GoesOn:
    """A run that was cut by its own restart, and all that it had in hand."""

    request: Request
    boot: str  # the one that asked
    payload: str  # that it is about
    sequence: int  # of the same
    reasons: tuple[str, ...]  # of each restart of this run
    changed: tuple[str, ...] = ()  # ids of steps, before the restart
    before: dict[str, int] = field(default_factory=dict)  # how the store stood before its candidate (standing.py)
    turned_down: Verdict | None = None  # of its candidate: the run is going back


@dataclass(frozen=True)
class Record:
    """`asked`: "SEQUENCE CAUSE" -> the boots that have asked for a restart because of it."""

    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    goes_on: GoesOn | None = None

    def restarts(self, sequence: int, cause: str, boot: str) -> int:
        """Return how many restarts there were because of it: a boot that asked and still runs is none."""
        return len(set(self.asked.get(f"{sequence} {cause}", ())) - {boot})

    def asks(self, sequence: int, cause: str, goes_on: GoesOn) -> Record:
        """Return the record of one more."""
        key, asked = f"{sequence} {cause}", dict(self.asked)
        asked[key] = (*(boot for boot in asked.pop(key, ()) if boot != goes_on.boot), goes_on.boot)
        return Record(dict(list(asked.items())[-KEEP:]), goes_on)


def read(places: Places) -> Record:
    """Return what is kept. What cannot be read counts as nothing: whoever asks next writes it anew, and first."""
    try:
        return from_json(Record, json.loads(places.reboot.read_bytes()))
    except (OSError, ValueError):
        return Record()


def keep(places: Places, record: Record) -> None:
    """Make it durable; nothing is kept of nothing. OSError when it could not be."""
    if record == Record():
        places.reboot.unlink(missing_ok=True)
    else:
        write_atomic(places.reboot, canonical(to_json(record)), mode=0o600)


def consume(places: Places) -> GoesOn | None:
    """Take the run that goes on, if one does; nobody takes it again."""
    record = read(places)
    if record.goes_on is not None:
        stays(places)
        try:
            keep(places, replace(record, goes_on=None))
        except OSError:  # a full disk: better to count anew than to begin this run again and again
            with suppress(OSError):
                places.reboot.unlink(missing_ok=True)
    return record.goes_on


def goes_down(places: Places) -> None:
    """Mark that this machine was told to restart."""
    with suppress(OSError):
        write_atomic(_mark(places), f"{time.monotonic()}".encode())


def stays(places: Places) -> None:
    """Take the mark away: it does not, or has."""
    with suppress(OSError):
        _mark(places).unlink(missing_ok=True)


def is_going_down(places: Places) -> bool:
    """Tell whether this machine was told to restart just now."""
    try:
        return 0 <= time.monotonic() - float(_mark(places).read_text()) < GOES_DOWN_SECONDS
    except (OSError, ValueError):
        return False


def awaited(places: Places, look: Look) -> GoesOn | None:
    """Return the run that somebody may wait for: its machine goes down, or has just come up and will go on with it.

    One whose restart was never asked for (its engine was killed before) is nobody's to wait for.
    """
    found = read(places).goes_on
    if found is None or is_going_down(places):
        return found
    return found if found.boot != look.boot_id() and look.up_seconds() < COMES_BACK_SECONDS else None


def _mark(places: Places) -> Path:
    return places.run / "restarts"
