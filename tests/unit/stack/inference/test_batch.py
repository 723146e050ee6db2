"""Who runs with whom, and who waits for whom."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.inference.batch import Batching, Full, Line, pick
from edgectl.stack.inference.job import Job

FAR = 1e9


def job(width: int = 2, rows: int = 1, *, judged: bool = False, deadline: float = FAR, now: float = 0.0) -> Job:
    image = np.zeros((rows, width), dtype=np.float32)
    return Job({"image": image}, deadline=deadline, judged=judged, monotonic=lambda: now)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5), st.booleans()), max_size=20),
    st.integers(1, 8),
)
def test_what_runs_as_one_is_alike_and_in_order(kinds: list[tuple[int, int, bool]], most: int) -> None:
    """Law: a batch has one shape and one kind, holds whoever has waited longest, skips nobody of its kind, and fits.

    Seeded faults: any shape is taken; a small one overtakes a large one.
    """
    waiting = [job(width, rows, judged=judged) for width, rows, judged in kinds]
    seen: list[Job] = []
    while waiting:
        chosen = pick(waiting, most)
        assert chosen[0] is waiting[0]
        assert len({one.key for one in chosen}) == 1
        assert sum(one.rows for one in chosen) <= max(most, chosen[0].rows)
        alike = [one for one in waiting if one.key == chosen[0].key]
        assert chosen == alike[: len(chosen)]
        if len(chosen) < len(alike):
            assert sum(one.rows for one in chosen) + alike[len(chosen)].rows > most
        seen += chosen
        waiting = [one for one in waiting if one not in chosen]
    assert len(seen) == len(kinds)


def test_nobody_waits_longer_for_company_than_the_delay() -> None:
    """Law: one alone runs when its delay is over; a full batch runs at once."""
    line = Line(Batching(most=3, delay_seconds=5, room=10), monotonic=lambda: 5.0)
    alone = job(now=0.0)
    line.put(alone)
    assert line.take() == [alone]
    three = [job(now=4.9) for _ in range(4)]
    for one in three:
        line.put(one)
    assert line.take() == three[:3]  # and does not wait for the fourth's company
    assert len(line) == 1


def test_batching_off_is_each_alone() -> None:
    """Law: with max_batch 1 nobody waits for anybody, and nobody shares."""
    line = Line(Batching(most=1, delay_seconds=1000, room=10), monotonic=lambda: 0.0)
    both = [job(), job()]
    for one in both:
        line.put(one)
    assert [line.take(), line.take()] == [[both[0]], [both[1]]]


def test_a_full_line_says_so() -> None:
    """Law: the line is bounded."""
    line = Line(Batching(room=2), monotonic=lambda: 0.0)
    line.put(job())
    line.put(job())
    with pytest.raises(Full):
        line.put(job())


def test_whose_deadline_is_over_is_not_run() -> None:
    """Law: nothing is computed for nobody."""
    line = Line(Batching(delay_seconds=0), monotonic=lambda: 10.0)
    good = job()
    line.put(job(deadline=9.0))
    line.put(good)
    assert line.take() == [good]


def test_a_closed_line_lets_its_taker_go() -> None:
    """Law: closing wakes whoever waits to run, and nobody is taken in any more."""
    line = Line(Batching())
    taken: list[list[Job]] = []
    thread = threading.Thread(target=lambda: taken.append(line.take()))
    thread.start()
    line.close()
    thread.join(5)
    assert taken == [[]]
    with pytest.raises(Full):
        line.put(job())
