"""From what each step has come to, to the store's word and the exit code."""

from __future__ import annotations

import itertools

import pytest

from edgectl.wire.errors import Exit
from edgectl.wire.verdict import StepResult, judge, judge_look

STATUSES = ("current", "drifted", "in-progress", "failed", "unknown", "blocked")


def step(status: str, *, gate: bool = False, degraded: str = "", name: str = "") -> StepResult:
    """Return one result; its title is its status unless it is named."""
    return StepResult(name or status, name or status, status, "why", is_gate=gate, degraded=degraded)


@pytest.mark.parametrize(
    ("steps", "word", "code", "reason"),
    [
        ([], "ready", Exit.OK, ""),
        ([step("current")], "ready", Exit.OK, ""),
        ([step("current", degraded="1 of 2 GPUs")], "degraded", Exit.DEGRADED, "1 of 2 GPUs"),
        ([step("failed")], "not ready", Exit.FAILED, "failed: why"),
        ([step("drifted")], "not ready", Exit.FAILED, "drifted: why"),
        ([step("failed", gate=True)], "not ready", Exit.NOT_READY, "failed: why"),
        ([step("drifted", gate=True)], "not ready", Exit.NOT_READY, "drifted: why"),
        ([step("in-progress")], "not ready", Exit.NOT_READY, "in-progress: why"),
        ([step("unknown")], "unknown", Exit.NOT_READY, "unknown: why"),
        ([step("unknown", gate=True)], "unknown", Exit.NOT_READY, "unknown: why"),
        ([step("blocked"), step("failed")], "not ready", Exit.FAILED, "failed: why"),
        ([step("blocked")], "not ready", Exit.NOT_READY, "blocked: why"),
        ([step("current", degraded="1 of 2"), step("failed", gate=True)], "not ready", Exit.NOT_READY, "failed: why"),
    ],
)
def test_the_verdict_of_a_run(steps: list[StepResult], word: str, code: Exit, reason: str) -> None:
    """A step that failed is 6, a gate that is not true 5, something missing 9; the first that is wrong speaks."""
    found = judge(steps)
    assert (found.word, found.exit, found.reason) == (word, code, reason)


@pytest.mark.parametrize("steps", list(itertools.product(STATUSES, repeat=2)))
def test_ready_means_that_everything_is_current(steps: tuple[str, ...]) -> None:
    """Exit 0 is given for all steps current and for nothing else; a look that failed is never fine."""
    found = judge([step(status) for status in steps])
    assert (found.exit == Exit.OK) == (set(steps) == {"current"})
    assert (found.word in {"ready", "degraded"}) == (set(steps) == {"current"})


def test_a_run_that_was_stopped_is_no_verdict_on_the_store() -> None:
    """Stopped between two steps: 130, whatever the steps had come to."""
    for status in STATUSES:
        found = judge([step(status)], stopped="a deploy goes first")
        assert (found.word, found.exit, found.reason) == ("interrupted", Exit.INTERRUPTED, "a deploy goes first")


@pytest.mark.parametrize(
    ("statuses", "word", "code"),
    [
        (("current", "current"), "ready", Exit.OK),
        (("current", "drifted"), "pending", Exit.PENDING),
        (("drifted", "blocked"), "pending", Exit.PENDING),
        (("failed", "current"), "not ready", Exit.FAILED),
        (("unknown", "current"), "unknown", Exit.NOT_READY),
        (("in-progress", "current"), "not ready", Exit.NOT_READY),
    ],
)
def test_the_verdict_of_a_look(statuses: tuple[str, ...], word: str, code: Exit) -> None:
    """In a look what drifted is pending, not failed; all else is judged as in a run."""
    found = judge_look([step(status) for status in statuses])
    assert (found.word, found.exit) == (word, code)


@pytest.mark.parametrize(
    ("statuses", "word", "reason"),
    [
        (("drifted", "failed"), "not ready", "failed: why"),
        (("drifted", "unknown"), "unknown", "unknown: why"),
        (("drifted", "blocked"), "pending", "drifted: why"),
        (("drifted", "in-progress"), "pending", "drifted: why"),
        (("current", "current"), "ready", ""),
    ],
)
def test_a_status_does_not_hide_a_failure_behind_a_drift(statuses: tuple[str, ...], word: str, reason: str) -> None:
    """Who asks how a store is, is told first that inference has failed; all steps stay in the verdict."""
    found = judge_look([step(status) for status in statuses], wrong_first=True)
    assert (found.word, found.reason) == (word, reason)
    assert tuple(result.status for result in found.steps) == statuses


def test_who_speaks_first() -> None:
    """The first step that is wrong by itself: a blocked one only repeats another's reason."""
    found = judge([step("current"), step("blocked", name="b"), step("drifted", name="d"), step("failed", name="f")])
    assert found.first_wrong is not None
    assert found.first_wrong.id == "f"
    assert judge([step("drifted", name="d")]).first_wrong is not None
    assert judge([step("current")]).first_wrong is None


def test_what_changed_is_what_was_applied() -> None:
    """Counted by applies, not by statuses."""
    results = [StepResult("a", "a", "current", "", applied=True), StepResult("b", "b", "current", "")]
    assert judge(results).changed == ("a",)
