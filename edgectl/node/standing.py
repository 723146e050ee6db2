"""How a store stands, gate by gate: what a candidate must be no worse than.

Owns: the comparison, and the note on tmpfs of how the last run of this boot has left the store. What was wrong before
is tolerated only where that run, which had waited, and a look just before the candidate agree. A store that could not
be looked at, or is not what it was declared to be, shows nothing about its declaration: then nothing is tolerated.
Nor does a step that the last run did not have: another version of edgectl looks at more, and it is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgectl.node.converge.slots import Slot
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical
from edgectl.wire.verdict import StepResult

FINE, LESS, WRONG = 0, 1, 2
_NOT_THE_DECLARATION = frozenset({"drifted", "unknown"})
_SINCE = frozenset({"cluster-dns"})  # not looked at by the versions whose note does not say what was
_WAS_CALLED = {"stock-": "node-images-", "turn-": "node-k3s-"}  # by those versions, which may read this note again
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


@dataclass(frozen=True, slots=True)
class Noted:
    """How the last run of this boot has left the store. `looked`: at which steps; None where that is not known."""

    wrong: Standing
    looked: frozenset[str] | None = None

    def still(self, steps: Iterable[StepResult]) -> Standing:
        """Return what a fresh look says is wrong, too, at the milder word of the two."""
        seen = standing(step for step in steps if self._has_looked(step.id))
        return {step: min(found, self.wrong[step]) for step, found in seen.items() if step in self.wrong}

    def _has_looked(self, step: str) -> bool:
        return step not in _SINCE if self.looked is None else step in self.looked


def note(places: Places, base: Slot, apps: Slot, steps: Iterable[StepResult]) -> None:
    """Keep how a run has left the store, until the next boot."""
    found = tuple(steps)
    wrong, looked = standing(found), {step.id for step in found}
    older = {step: said for step, said in _renamed(wrong, _WAS_CALLED).items() if step not in looked}
    doc = {"slots": _names(base, apps), "looked": sorted(looked), "wrong": {**older, **wrong}}
    with suppress(OSError):  # without it the next candidate is judged more strictly, no more
        write_atomic(places.run / "settled.json", canonical(doc))


def noted(places: Places, base: Slot, apps: Slot) -> Noted:
    """Return how the last run of this boot has left these slots; nothing is wrong where it is not known."""
    try:
        doc: dict[str, Any] = json.loads((places.run / "settled.json").read_bytes())
        if doc["slots"] == _names(base, apps):
            wrong = {str(step): int(found) for step, found in doc["wrong"].items()}
            if "looked" not in doc:
                return Noted({**_renamed(wrong, {was: now for now, was in _WAS_CALLED.items()}), **wrong})
            looked = frozenset(map(str, doc["looked"]))
            return Noted({step: found for step, found in wrong.items() if step in looked}, looked)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return Noted({})


def _renamed(wrong: Standing, names: Mapping[str, str]) -> Standing:
    """Return what is called otherwise elsewhere, as it is called there."""
    return {to + step[len(by) :]: wrong[step] for by, to in names.items() for step in wrong if step.startswith(by)}


def _names(base: Slot, apps: Slot) -> list[str]:
    return [base.folder.name, apps.folder.name]


def _severity(step: StepResult) -> int:
    if step.status != "current":
        return WRONG
    return LESS if step.degraded else FINE
