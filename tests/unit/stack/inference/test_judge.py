"""A candidate is judged by numbers alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.inference.judge import BAD, GOOD, MORE, Figures, Thresholds, judge, p95, psi, slower

LIMIT = Thresholds()
FINE = Figures(frames=100, latency_ratio=1.0)

TABLE = [
    (Figures(), MORE, "0 of 50"),
    (Figures(frames=49), MORE, "49 of 50"),
    (Figures(frames=50), GOOD, "agreement 100.0%"),
    (Figures(frames=1, errors=1), BAD, "1 of 1 frames failed"),
    (Figures(frames=100, errors=1), GOOD, ""),
    (Figures(frames=100, errors=2), BAD, "2 of 100 frames failed"),
    (Figures(frames=6, disagreed=6), BAD, "agrees in 0.0% of 6"),
    (Figures(frames=6, disagreed=5), MORE, ""),
    (Figures(frames=100, disagreed=10), GOOD, "agreement 90.0%"),
    (Figures(frames=100, disagreed=11), BAD, "agrees in 89.0%"),
    (Figures(frames=100, latency_ratio=2.01), BAD, "2.01 times as long"),
    (Figures(frames=10, latency_ratio=9.0), MORE, ""),
    (Figures(frames=100, drift=0.26), BAD, "0.26 PSI"),
    (Figures(frames=100, latency_ratio=float("nan")), BAD, "times as long"),
    (Figures(frames=100, drift=float("nan")), BAD, "PSI"),
]


@pytest.mark.parametrize(("seen", "word", "sentence"), TABLE)
def test_the_table(seen: Figures, word: str, sentence: str) -> None:
    """Law: thresholds mean what they say; what cannot become good any more is bad at once; no number is never good."""
    assert judge(seen, LIMIT, 50)[0] == word
    assert sentence in judge(seen, LIMIT, 50)[1]


def test_nothing_passes_on_nothing() -> None:
    """Law: a candidate that was shown no frame is not good, even when none is required."""
    assert judge(Figures(), LIMIT, 0)[0] == MORE


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.floats(0, 5), st.floats(0, 1))
def test_more_faults_never_make_it_better(frames: int, errors: int, disagreed: int, ratio: float, drift: float) -> None:
    """Law: of two candidates, the one with more of any fault is not judged better."""
    rank = {BAD: 0, MORE: 1, GOOD: 2}
    errors, disagreed = min(errors, frames), min(disagreed, frames)
    seen = Figures(frames, errors, disagreed, ratio, drift)
    word = rank[judge(seen, LIMIT, 50)[0]]
    for worse in (
        Figures(frames, errors + 1, disagreed, ratio, drift),
        Figures(frames, errors, disagreed + 1, ratio, drift),
        Figures(frames, errors, disagreed, ratio + 1, drift),
        Figures(frames, errors, disagreed, ratio, drift + 1),
    ):
        assert rank[judge(worse, LIMIT, 50)[0]] <= word


def test_times_are_compared_where_they_tell_of_models() -> None:
    """Law: p95 against p95; fractions of a millisecond are the machine's, not the model's."""
    assert p95(list(range(1, 101))) == 95
    assert slower([0.0009] * 50, [0.0001] * 50) == 1.0
    assert slower([0.040] * 50, [0.010] * 50) == pytest.approx(4.0)
    assert slower([0.010] * 98 + [9.0] * 2, [0.010] * 100) == pytest.approx(1.0)
    assert slower([], []) == 0.0


def test_psi_tells_populations_apart() -> None:
    """Law: 0 for the same scores, above 0.25 for others; empty bins are no infinity."""
    low, high = [i / 200 for i in range(100)], [0.5 + i / 200 for i in range(100)]
    assert psi(low, low) == 0
    assert psi(low, high) > 0.25
    assert psi([], low) == 0
    assert psi([0.0], [1.0]) < 10
