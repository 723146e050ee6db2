"""Plan and converge: the two walks over a recipe.

Owns: when to apply, when to wait, what blocks what. Must not know what a step is about; time is handed in.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Gate, LookFailed, Observation, Status, applies
from edgectl.wire import event
from edgectl.wire.verdict import StepResult, Verdict, judge, judge_look

_TRACE_LINES = 20
Say = Callable[[str, Gate[Any], Observation], None]  # (word of edgectl.wire.event, step, what was seen)


@dataclass(frozen=True)
class Clock:
    """Time as the loop needs it. Seconds; `monotonic` never goes back."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class _TimedOut(Observation):
    """The last look of a wait that ran out: the store is not ready (exit 5), whatever the step had applied before."""


class _Stopped(Exception):
    """Asked to stop while waiting; `seen` and `applied` are how far the step has come."""

    def __init__(self, why: str, seen: Observation, *, applied: bool) -> None:
        super().__init__(why)
        self.why = why
        self.seen = seen
        self.applied = applied


def plan(recipe: Sequence[Gate[Any]], read: Any, say: Say, clock: Clock, *, wrong_first: bool = False) -> Verdict:
    """Probe everything once and change nothing.

    What later steps would do is not guessed: a step whose need is not current is blocked.
    """
    began = clock.monotonic()
    results: list[StepResult] = []
    for step in recipe:
        blocker = _blocker(step, results)
        start = clock.monotonic()
        seen = _blocked(blocker) if blocker else _missed(_look(step, read))
        say(_word(seen, applied=False), step, seen)
        results.append(_result(step, seen, applied=False, seconds=clock.monotonic() - start))
    return judge_look(results, seconds=clock.monotonic() - began, wrong_first=wrong_first)


def converge(
    recipe: Sequence[Gate[Any]],
    read: Any,
    write: Any,
    *,
    say: Say,
    clock: Clock,
    stop: Callable[[], str] = lambda: "",
    spare: Callable[[Gate[Any]], str] = lambda _: "",
) -> Verdict:
    """For each step: probe, apply if drifted, probe again; wait at gates.

    `stop` is asked between two steps and while waiting, never during an apply; a non-empty sentence ends the run.
    `spare` is asked before an apply; a non-empty sentence says why this step is left as it is.
    """
    began = clock.monotonic()
    results: list[StepResult] = []
    for step in recipe:
        if why := stop():
            return judge(results, seconds=clock.monotonic() - began, stopped=why)
        blocker = _blocker(step, results)
        start = clock.monotonic()
        if blocker:
            seen, applied = _blocked(blocker), False
        else:
            try:
                seen, applied = _bring(step, read, write, say=say, clock=clock, stop=stop, spare=spare)
            except _Stopped as stopped:
                took = clock.monotonic() - start
                results.append(_result(step, stopped.seen, applied=stopped.applied, seconds=took))
                return judge(results, seconds=clock.monotonic() - began, stopped=stopped.why)
        say(_word(seen, applied=applied), step, seen)
        results.append(_result(step, seen, applied=applied, seconds=clock.monotonic() - start))
    return judge(results, seconds=clock.monotonic() - began)


def _bring(
    step: Gate[Any],
    read: Any,
    write: Any,
    *,
    say: Say,
    clock: Clock,
    stop: Callable[[], str],
    spare: Callable[[Gate[Any]], str],
) -> tuple[Observation, bool]:
    """Bring one step to its declared state or to the reason why not; returns (last look, applied)."""
    applied = False
    deadline = clock.monotonic() + step.wait.limit_seconds
    told = ""
    while True:
        seen = _look(step, read)
        if seen.status in {Status.CURRENT, Status.FAILED}:
            return seen, applied
        if seen.status is Status.DRIFTED:
            if not applies(step) or applied:
                return (_lied(seen) if applied else seen), applied
            if why := spare(step):
                return replace(seen, reason=f"{seen.reason}; {why}"), applied
            say(event.CHANGING, step, seen)
            applied = True
            try:
                step.apply(write, seen)
            except (ApplyFailed, LookFailed) as failure:
                return Observation(Status.FAILED, failure.reason, evidence=failure.evidence), applied
            except Exception as error:  # noqa: BLE001 - as below
                return _surprise(Status.FAILED, error), applied
            deadline = clock.monotonic() + step.wait.limit_seconds
            continue
        if why := stop():
            raise _Stopped(why, seen, applied=applied)
        left = deadline - clock.monotonic()
        if left <= 0:
            return (_missed(seen) if seen.absent else _ran_out(step, seen)), applied
        if seen.reason != told:
            say(event.WAITING, step, seen)
            told = seen.reason
        clock.sleep(min(step.wait.every_seconds, left))


def _look(step: Gate[Any], read: Any) -> Observation:
    try:
        return step.probe(read)
    except LookFailed as failure:
        return Observation(Status.UNKNOWN, failure.reason, evidence=failure.evidence)
    except Exception as error:  # noqa: BLE001 - what one step did not foresee must not keep the others from healing
        return _surprise(Status.UNKNOWN, error)


def _surprise(status: Status, error: Exception) -> Observation:
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    return Observation(status, f"{type(error).__name__}: {error}", evidence=tuple(trace[-_TRACE_LINES:]))


def _lied(seen: Observation) -> Observation:
    return Observation(
        Status.FAILED,
        f"still not as declared after it was applied: {seen.reason}",
        differences=seen.differences,
        evidence=seen.evidence,
    )


def _ran_out(step: Gate[Any], seen: Observation) -> Observation:
    status = Status.UNKNOWN if seen.status is Status.UNKNOWN else Status.FAILED
    reason = f"{seen.reason} (waited {step.wait.limit_seconds:.0f} s)"
    return _TimedOut(status, reason, differences=seen.differences, evidence=seen.evidence)


def _missed(seen: Observation) -> Observation:
    """Return what is seen when no more is waited for: without its neighbour, the store goes on."""
    if seen.status is Status.IN_PROGRESS and seen.absent:
        return replace(seen, status=Status.CURRENT)
    return seen


def _blocker(step: Gate[Any], results: Sequence[StepResult]) -> StepResult | None:
    for result in results:
        if result.id in step.needs and result.status != Status.CURRENT.value:
            return result
    return None


def _blocked(by: StepResult) -> Observation:
    return Observation(Status.BLOCKED, f"waits for {by.title}")


def _word(seen: Observation, *, applied: bool) -> str:
    if seen.status is Status.CURRENT:
        return event.CHANGED if applied else event.OK
    return {
        Status.DRIFTED: event.DRIFTED,
        Status.IN_PROGRESS: event.WAITING,
        Status.FAILED: event.FAILED,
        Status.UNKNOWN: event.UNKNOWN,
        Status.BLOCKED: event.BLOCKED,
    }[seen.status]


def _result(step: Gate[Any], seen: Observation, *, applied: bool, seconds: float) -> StepResult:
    return StepResult(
        id=step.id,
        title=step.title,
        status=seen.status.value,
        reason=seen.reason,
        applied=applied,
        is_gate=not applies(step) or isinstance(seen, _TimedOut) or seen.is_gate,
        degraded=seen.degraded,
        absent=seen.absent if seen.status is Status.CURRENT else "",
        seconds=round(seconds, 3),
        differences=seen.differences,
        evidence=seen.evidence,
    )
