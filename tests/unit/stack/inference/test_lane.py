"""The candidate's lane alone: who answers a question that was offered to it."""

from __future__ import annotations

import threading
import time

import pytest

from edgectl.stack.inference.job import Answered, Job
from edgectl.stack.inference.lane import Lane, Work
from edgectl.stack.inference.rollout import Trial, plan_of
from tests.unit.stack.inference.fakes import Adder, Hand, frame, version
from tests.unit.stack.inference.test_rollout import DOC

SAID = Answered({"out": frame(1)["image"]}, "full", "adder", "1", "1")


def offered(candidate: Adder, *, picked: bool, failed: bool = False) -> Job:
    """Offer one question, and return it when the lane is free again."""
    trial = Trial(plan_of({**DOC, "min_frames": 1000}), Hand())
    trial.start()
    if failed:
        candidate.before = lambda: trial.fail("meanwhile")
    lane = Lane(version("2", candidate), trial, told=lambda _: None)
    job = Job(frame(1), deadline=time.monotonic() + 1000, judged=True, picked=picked)
    lane.offer(Work([job], [SAID], 1e6))  # whose kept answer would come in weeks
    ends, pause = time.monotonic() + 20, threading.Event()
    while lane._busy_since is not None:
        assert time.monotonic() < ends
        pause.wait(0.0005)
    lane.close()
    return job


def test_a_picked_question_is_answered_by_the_candidate() -> None:
    job = offered(Adder(2000), picked=True)
    said = job.wait()
    assert isinstance(said, Answered)
    assert (said.version, said.candidate) == ("2", True)


@pytest.mark.parametrize(("plus", "failed"), [(float("nan"), False), (2000.0, True)])
def test_where_the_candidate_cannot_answer_the_current_version_s_is_given_at_once(plus: float, failed: bool) -> None:  # noqa: FBT001
    """Law: nobody waits for a candidate that has failed, at this question or at all. Seeded fault: patience runs on."""
    job = offered(Adder(plus), picked=True, failed=failed)
    assert job.settled
    assert job.wait() is SAID


def test_a_mirrored_question_is_never_answered_by_the_candidate() -> None:
    """Law: not even where it is faster than the thread that answers. Seeded fault: whatever is offered is settled."""
    assert not offered(Adder(2000), picked=False).settled
