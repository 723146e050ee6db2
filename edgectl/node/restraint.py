"""What keeps self-healing from flapping a store: a budget of repairs for each step, and patience after runs in vain.

Owns: /run/edgectl/restraint.json (tmpfs: a boot begins anew; so does a person's deploy). Times are monotonic seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json

MOST_REPAIRS = 6  # of one step, within
WINDOW_SECONDS = 3600.0
PATIENT_RUNS = 3  # in vain, before the pauses begin to double
FIRST_PAUSE_SECONDS = 600.0
LONGEST_PAUSE_SECONDS = 3600.0


@dataclass(frozen=True)
class Restraint:
    """What heals of this boot have done: when each step was repaired, how many runs were in vain, when to try again."""

    repairs: dict[str, tuple[float, ...]] = field(default_factory=dict)
    vain: int = 0
    again: float = 0.0

    def spares(self, step: str, now: float) -> str:
        """Say why a step is left as it is; "" when it may be repaired."""
        recent = [at for at in self.repairs.get(step, ()) if now - at < WINDOW_SECONDS]
        if len(recent) < MOST_REPAIRS:
            return ""
        minutes = (recent[-MOST_REPAIRS] + WINDOW_SECONDS - now) / 60
        return f"repaired {len(recent)} times within the hour, so something else changes it: left for {minutes:.0f} min"

    def after(self, changed: Iterable[str], *, well: bool, now: float) -> Restraint:
        """Return what holds after a heal."""
        repairs = {step: tuple(at for at in times if now - at < WINDOW_SECONDS) for step, times in self.repairs.items()}
        for step in changed:
            repairs[step] = (*repairs.get(step, ()), now)
        vain = 0 if well else self.vain + 1
        pause = FIRST_PAUSE_SECONDS * 2.0 ** (vain - PATIENT_RUNS) if vain >= PATIENT_RUNS else 0.0
        kept = {step: times for step, times in repairs.items() if times}
        return replace(self, repairs=kept, vain=vain, again=now + min(pause, LONGEST_PAUSE_SECONDS))

    def waits(self, now: float) -> float:
        """Return how many seconds a heal should still leave a store alone that looks as it did after the last one."""
        return max(self.again - now, 0.0) if self.vain >= PATIENT_RUNS else 0.0


def read(places: Places) -> Restraint:
    """Return what holds now."""
    try:
        return from_json(Restraint, json.loads(_path(places).read_bytes()))
    except (OSError, ValueError):
        return Restraint()


def keep(places: Places, restraint: Restraint) -> None:
    """Hold on to it until the next boot."""
    with suppress(OSError):
        write_atomic(_path(places), canonical(to_json(restraint)))


def forget(places: Places) -> None:
    """Begin anew: a person has deployed."""
    _path(places).unlink(missing_ok=True)


def _path(places: Places) -> Path:
    return places.run / "restraint.json"
