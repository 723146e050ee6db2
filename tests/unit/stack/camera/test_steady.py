"""Laws of hysteresis: one failure is no state, one answer is none either, what is away is tried now and then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.camera.steady import ANSWERS, FAILURES, PROBE_SECONDS, Steady


def test_one_time_out_is_no_state() -> None:
    steady = Steady()
    assert [steady.failed() for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]


def test_one_answer_is_no_recovery() -> None:
    steady = Steady()
    steady.failed(surely=True)
    assert [steady.worked() for _ in range(ANSWERS)] == [True] * (ANSWERS - 1) + [False]


def test_a_fault_of_the_model_needs_no_second() -> None:
    assert Steady().failed(surely=True)


@given(st.lists(st.booleans(), max_size=40))
def test_it_changes_only_after_enough_in_a_row(answers: list[bool]) -> None:
    """Whatever comes, a change of the word has enough of one kind just before it."""
    steady, before = Steady(), False
    for at, well in enumerate(answers):
        away = steady.worked() if well else steady.failed()
        if away != before:
            needed = FAILURES if away else ANSWERS
            assert answers[at + 1 - needed : at + 1] == [not away] * needed
        before = away


def test_what_is_away_costs_one_try_a_second_until_it_answers() -> None:
    """Frames do not each wait for a deadline; and when it is back, the next tries follow at once."""
    steady = Steady()
    steady.failed(surely=True)
    assert [steady.may_try(at) for at in (0.0, PROBE_SECONDS / 2, PROBE_SECONDS)] == [True, False, True]
    steady.worked()
    assert steady.may_try(PROBE_SECONDS)
    steady.worked()
    steady.worked()
    assert all(steady.may_try(PROBE_SECONDS) for _ in range(3))
