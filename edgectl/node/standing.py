"""How a store stands, gate by gate: what a candidate must be no worse than.

Owns: the comparison, and the note on tmpfs of how the last run of this boot has left the store. What was wrong before
is tolerated only where that run, which had waited, and a look just before the candidate agree. A store that could not
be looked at, or is not what it was declared to be, shows nothing about its declaration: then nothing is tolerated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slot
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical
from edgectl.wire.verdict import StepResult

FINE, LESS, WRONG = 0, 1, 2
_NOT_THE_DECLARATION = frozenset({"drifted", "unknown"})
Standing = Mapping[str, int]  # id of a step -> LESS or WRONG; what is fine is left out


def standing(steps: Iterable[StepResult]) -> Standing:
    """Return what is not fine with what is declared; nothing when that cannot be told."""
    found = tuple(steps)
    if any(step.status in _NOT_THE_DECLARATION for step in found):
        return {}
    return {step.id: severity for step in found if (severity := _severity(step))}


def worse(steps: Iterable[StepResult], before: Standing, *, accept_degraded: bool = False) -> tuple[StepResult, ...]:
    """Return the steps that stand worse than before; `accept_degraded` lets a gate serve less than it did."""
    least = LESS if accept_degraded else FINE
    return tuple(step for step in steps if _severity(step) > max(before.get(step.id, FINE), least))


def note(places: Places, base: Slot, apps: Slot, found: Standing) -> None:
    """Keep how a run has left the store, until the next boot."""
    with suppress(OSError):  # without it the next candidate is judged more strictly, no more
        write_atomic(places.run / "settled.json", canonical({"slots": _names(base, apps), "wrong": dict(found)}))


def noted(places: Places, base: Slot, apps: Slot) -> Standing:
    """Return how the last run of this boot has left these slots; nothing is wrong where it is not known."""
    try:
        doc: dict[str, Any] = json.loads((places.run / "settled.json").read_bytes())
        if doc["slots"] == _names(base, apps):
            return {str(step): int(found) for step, found in doc["wrong"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}


def both(one: Standing, other: Standing) -> Standing:
    """Return what both say is wrong, at the milder word of the two."""
    return {step: min(found, other[step]) for step, found in one.items() if step in other}


def _names(base: Slot, apps: Slot) -> list[str]:
    return [base.folder.name, apps.folder.name]


def _severity(step: StepResult) -> int:
    if step.status != "current":
        return WRONG
    return LESS if step.degraded else FINE
