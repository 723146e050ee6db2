"""Steps and gates of one store as a document of `-o json` has them, each with its last word and the time it took. Pure.

Owns what of them counts as wrong for a program that reads reports (CI). Must not know any form of report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.report.advice import for_error, for_step
from edgectl.wire import event
from edgectl.wire.errors import EdgectlError, Exit

Document = Mapping[str, Any]
Pair = tuple[str, Document | EdgectlError]  # a store, and its document or why there is none
_FAILED = frozenset({event.FAILED, event.WAITING})


@dataclass(slots=True)
class Step:
    """One step of one store."""

    id: str
    title: str
    word: str = ""
    reason: str = ""
    seconds: float = 0.0
    differences: Sequence[Sequence[str]] = ()
    evidence: Sequence[str] = ()
    words: list[str] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        """Tell whether it was looked at, and is not as it should be."""
        return self.word in _FAILED

    @property
    def is_unknown(self) -> bool:
        """Tell whether it could not be looked at."""
        return self.word == event.UNKNOWN


def steps_of(events: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Return each step once, in the order of the run; the time since the event before is the step's."""
    found: dict[str, Step] = {}
    before = 0.0
    for item in events:
        at = float(item.get("at") or 0.0)
        if name := str(item.get("step") or ""):
            step = found.setdefault(name, Step(name, str(item.get("title") or name)))
            step.seconds += max(at - before, 0.0)
            step.word, step.reason = str(item.get("word", "")), str(item.get("reason", ""))
            step.differences = item.get("differences") or step.differences
            step.evidence = item.get("evidence") or ()
            step.words.append(step.word)
        before = max(before, at)
    return list(found.values())


def next_of(store: str, step: Step) -> str:
    """Return what to do about a step."""
    return for_step(store, step.id)


def advice(error: EdgectlError) -> str:
    """Return what to do about an error."""
    return for_error(error)


def ended_well(document: Document) -> bool:
    """Tell whether a document's verdict is one with which nobody has to do anything."""
    return int(document.get("exit", (document.get("verdict") or {}).get("exit", 1))) in {
        int(Exit.OK),
        int(Exit.DEGRADED),
        int(Exit.PENDING),
    }
