"""A trial's way: loading, running by steps, passed or failed."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.stack.inference.rollout import FAILED, LOADING, PASSED, RUNNING, Compared, Trial, plan_of
from tests.unit.stack.inference.fakes import Hand

DOC: dict[str, Any] = {
    "id": "r1",
    "strategy": "canary",
    "candidate": "1.4-0123456789ab",
    "version": "1.4",
    "steps": [5, 25, 50],
    "soak_seconds": 600,
    "thresholds": {"agreement": 0.9, "latency_ratio": 2.0, "error_rate": 0.01, "drift": 0.25},
    "min_frames": 50,
    "since": 1764277200,
}


def trial(**changes: Any) -> tuple[Trial, Hand]:
    hand = Hand()
    made = Trial(plan_of({**DOC, **changes}), hand)
    made.start()
    return made, hand


def seen(frames: int = 50, **changes: Any) -> Compared:
    values: dict[str, Any] = {"seconds": 0.01, "candidate_seconds": 0.01, "agreed": [True] * frames}
    return Compared(**{**values, **changes})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"strategy": "rolling"}, "'rolling' is none of"),
        ({"candidate": "../1.3"}, "no version's folder"),
        ({"candidate": ""}, "no version's folder"),
        ({"steps": []}, "percents"),
        ({"steps": [0, 50]}, "percents"),
        ({"id": 3}, "id"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        plan_of({**DOC, **change})


def test_what_a_newer_node_adds_is_passed_over() -> None:
    """Law: the node's own keys are none of the service's matter."""
    assert plan_of({**DOC, "promote": "auto"}) == plan_of(DOC)
    with pytest.raises(ValueError, match="no object"):
        plan_of([])


def test_a_canary_goes_up_step_by_step_and_passes() -> None:
    """Law: each step needs its frames and its soak, both; after the last one it has passed, and is asked on.

    Seeded faults: frames of one step count for the next; the soak is not waited for.
    """
    made, hand = trial()
    for step, percent in enumerate((5, 25, 50), 1):
        assert (made.word, made.percent, made.facts()["step"]) == (RUNNING, percent, step)
        hand.time += 601
        made.tick()
        assert made.percent == percent  # no frames: no next step, however long it takes
        made.record(seen(49))
        assert made.percent == percent
        hand.time -= 2
        made.record(seen(1))
        assert made.percent == percent
        assert "left" in made.reason
        hand.time += 2
        made.tick()
    assert made.word == PASSED
    assert made.alive
    assert made.percent == 50
    assert made.facts()["frames_total"] == 150


@pytest.mark.parametrize("strategy", ["shadow", "blue-green"])
def test_a_mirrored_candidate_sees_all_and_answers_nothing(strategy: str) -> None:
    """Law: shadow and blue-green mirror every question, answer none, and pass after their soak."""
    made, hand = trial(strategy=strategy)
    assert {made.next() for _ in range(100)} == {(True, False)}
    assert made.percent == 0
    made.record(seen())
    assert made.word == RUNNING
    hand.time += 600
    made.tick()
    assert made.word == PASSED


@pytest.mark.parametrize("percent", [1, 5, 25, 50, 100])
def test_a_canary_gets_its_part_evenly(percent: int) -> None:
    """Law: of any hundred questions in a row, so many are the candidate's."""
    made, _ = trial(steps=[percent])
    picks = [made.next() for _ in range(400)]
    assert all(judged == picked for judged, picked in picks)
    for start in range(0, 300, 37):
        assert sum(picked for _, picked in picks[start : start + 100]) == percent


def test_a_busy_second_makes_no_candidate_slow() -> None:
    """Law: a little too slow is judged when the step is over, by all of it. Seeded fault: it is judged at once."""
    made, hand = trial(strategy="shadow")
    made.record(seen(50, candidate_seconds=0.025))
    assert made.word == RUNNING
    for _ in range(40):
        made.record(seen())
    hand.time += 600
    made.tick()
    assert made.word == PASSED
    slow, hand = trial(strategy="shadow")
    slow.record(seen(50, candidate_seconds=0.025))
    hand.time += 600
    slow.tick()
    assert (slow.word, "2.50 times as long" in slow.reason) == (FAILED, True)


def test_it_is_held_against_the_version_that_runs_beside_it() -> None:
    """Law: where both are busy, both are slow. Seeded fault: only times of the current version alone count."""
    made, _ = trial(strategy="shadow")
    for _ in range(10):
        made.beside(0.05)
    made.record(seen(50, candidate_seconds=0.05))
    assert (made.word, made.facts()["latency_ratio"]) == (RUNNING, 1.0)


FAULTS = [
    (seen(49, errors=1), "1 of 50 frames failed"),
    (seen(1, agreed=[False] * 6), "agrees in 0.0%"),
    (seen(50, candidate_seconds=0.05), "5.00 times as long"),
    (seen(50, sure=[0.1] * 50, candidate_sure=[0.9] * 50), "PSI"),
]


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
def test_a_bad_candidate_is_asked_no_more_at_once(fault: Compared, sentence: str) -> None:
    """Law: each threshold alone ends the trial, with its sentence, for good. Seeded fault: it is judged at the end."""
    made, hand = trial()
    made.record(fault)
    assert made.word == FAILED
    assert sentence in made.reason
    assert (made.next(), made.percent) == ((False, False), 0)
    hand.time += 10_000
    made.record(seen(500))
    made.tick()
    made.restart()
    made.start()
    assert made.word == FAILED


def test_one_that_has_passed_can_still_fail() -> None:
    """Law: until it runs as current, it is watched."""
    made, hand = trial(strategy="shadow")
    made.record(seen())
    hand.time += 600
    made.tick()
    assert made.word == PASSED
    made.record(seen(0, errors=5))
    assert made.word == FAILED


def test_nothing_is_judged_before_it_is_loaded() -> None:
    made = Trial(plan_of(DOC), Hand())
    assert (made.word, made.next(), made.percent) == (LOADING, (False, False), 0)
    made.tick()
    assert made.word == LOADING


def test_compared_with_another_version_it_begins_anew() -> None:
    """Law: frames that were compared with what no longer runs count for nothing."""
    made, hand = trial()
    made.record(seen())
    hand.time += 600
    made.tick()
    assert made.percent == 25
    made.restart()
    assert (made.percent, made.facts()["frames"]) == (5, 0)
