"""Who answers a question when several could."""

from __future__ import annotations

import pytest

from edgectl.stack.inference.job import Answered, Job, Late
from tests.unit.stack.inference.fakes import Hand, frame

CURRENT = Answered({}, "full", "m", "1", "1-a")
CANDIDATE = Answered({}, "full", "m", "2", "2-b", candidate=True)


def test_the_first_answer_counts() -> None:
    """Law: a question is answered once."""
    job = Job(frame(1), deadline=1e9)
    assert job.settle(CANDIDATE)
    assert not job.settle(CURRENT)
    assert job.wait() is CANDIDATE


def test_a_kept_answer_is_given_when_its_time_has_come_and_no_other_came() -> None:
    """Law: who waits for the candidate waits so long and no longer. Seeded fault: it is never looked at."""
    hand = Hand()
    job = Job(frame(1), deadline=hand.time + 5, monotonic=hand.monotonic)
    job.keep(CURRENT, until=hand.time)
    assert job.wait() is CURRENT
    assert not job.settle(CANDIDATE)


def test_a_kept_answer_gives_way_to_the_candidate_s() -> None:
    hand = Hand()
    job = Job(frame(1), deadline=hand.time + 5, monotonic=hand.monotonic)
    job.keep(CURRENT, until=hand.time + 1)
    job.settle(CANDIDATE)
    assert job.wait() is CANDIDATE


def test_a_deadline_is_kept() -> None:
    """Law: nobody waits beyond the deadline; with an answer at hand, that one is given."""
    hand = Hand()
    with pytest.raises(Late):
        Job(frame(1), deadline=hand.time, monotonic=hand.monotonic).wait()
    job = Job(frame(1), deadline=hand.time, monotonic=hand.monotonic)
    job.keep(CURRENT, until=hand.time + 100)
    assert job.wait() is CURRENT
