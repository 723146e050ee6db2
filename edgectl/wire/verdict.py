"""The end of a run, or of a look: one verdict that people, exit codes and reports are made from.

Owns: the words for a store (ready, degraded, not ready, unknown) and the rule from step results to exit code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edgectl.wire.errors import Exit

READY = "ready"
DEGRADED = "degraded"
NOT_READY = "not ready"
UNKNOWN = "unknown"
PENDING = "pending"  # plan only: changes wait to be made
INTERRUPTED = "interrupted"  # asked to stop between two steps


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step's last word. `applied` is true when this run changed something for it."""

    id: str
    title: str
    status: str  # Status of edgectl.node.converge.protocol, as text
    reason: str
    applied: bool = False
    is_gate: bool = False
    degraded: str = ""
    absent: str = ""  # a neighbour that is missed
    seconds: float = 0.0
    differences: tuple[tuple[str, str, str], ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run (or a look) has come to."""

    word: str
    exit: int
    reason: str  # one sentence: the first thing that is wrong, or "" when all is well
    steps: tuple[StepResult, ...] = ()
    seconds: float = 0.0

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of what this run changed."""
        return tuple(step.id for step in self.steps if step.applied)

    @property
    def first_wrong(self) -> StepResult | None:
        """The first step that is not as declared and not merely blocked by another."""
        for step in self.steps:
            if step.status not in {"current", "blocked", "drifted"}:
                return step
        return next((step for step in self.steps if step.status == "drifted"), None)


def judge(steps: Iterable[StepResult], *, seconds: float = 0.0, stopped: str = "") -> Verdict:
    """Turn step results into the store's verdict.

    A step that failed or still looks wrong after its apply is exit 6, a gate that is not true exit 5,
    a store that serves with something missing exit 9. A look that failed is never fine.
    """
    results = tuple(steps)
    bad = [step for step in results if step.status != "current"]
    if stopped:
        return Verdict(INTERRUPTED, int(Exit.INTERRUPTED), stopped, results, seconds)
    if bad:
        first = next((step for step in bad if step.status != "blocked"), bad[0])
        word = UNKNOWN if first.status == "unknown" else NOT_READY
        code = Exit.NOT_READY if first.is_gate or first.status not in {"failed", "drifted"} else Exit.FAILED
        return Verdict(word, int(code), f"{first.title}: {first.reason}", results, seconds)
    for step in results:
        if less := step.degraded or step.absent:
            return Verdict(DEGRADED, int(Exit.DEGRADED), less, results, seconds)
    return Verdict(READY, int(Exit.OK), "", results, seconds)


def judge_look(steps: Iterable[StepResult], *, seconds: float = 0.0, wrong_first: bool = False) -> Verdict:
    """Turn a look without changes into a verdict: what drifted is pending, not failed.

    A plan is about what would change; a status (`wrong_first`) must not hide behind a drift that inference has failed.
    """
    results = tuple(steps)
    if wrong_first and any(step.status in {"failed", "unknown"} for step in results):
        return replace(judge((step for step in results if step.status != "drifted"), seconds=seconds), steps=results)
    drifted = next((step for step in results if step.status == "drifted"), None)
    if drifted is not None:
        return Verdict(PENDING, int(Exit.PENDING), f"{drifted.title}: {drifted.reason}", results, seconds)
    return judge(results, seconds=seconds)
