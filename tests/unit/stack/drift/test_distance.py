"""Laws of distances: chance is no distance, what moved is far, what is unknown is no number."""

from __future__ import annotations

import random

import pytest

from edgectl.stack.drift import moved
from edgectl.stack.drift.distance import calibration_error, ks, psi, tiers_moved
from edgectl.stack.drift.moved import Limits
from edgectl.stack.drift.sample import BINS, Answers, Heard, Moments, Picture, bin_of
from edgectl.stack.ops.event import FAST, FULL, RULE, Seen

NONE = (0.0,) * BINS


def drawn(mean: float, count: int, seed: int) -> tuple[float, ...]:
    draw, bins = random.Random(seed), [0.0] * BINS  # noqa: S311 - a sample that is the same each time
    for _ in range(count):
        bins[bin_of(draw.gauss(mean, 0.15))] += 1
    return tuple(bins)


def answered(mean: float, count: int, seed: int) -> Answers:
    return Answers(frames=count, detections=count, scores=drawn(mean, count, seed))


@pytest.mark.parametrize("count", [30, 100, 1000])
def test_chance_is_no_drift(count: int) -> None:
    """Of five hundred pairs of samples of one distribution none is called moved, however small the samples are."""
    for seed in range(500):
        found = moved.answers(answered(0.6, 300, seed), answered(0.6, count, seed + 1000), Limits())
        assert found is not None
        assert found.strength < 1


@pytest.mark.parametrize("count", [50, 100, 1000])
def test_what_moved_is_far(count: int) -> None:
    for seed in range(50):
        found = moved.answers(answered(0.7, 300, seed), answered(0.45, count, seed + 1000), Limits())
        assert found is not None
        assert found.strength >= 1


def test_the_formulas() -> None:
    """Checked by hand: halves that change places are 1.0 apart by PSI (less the noise), and fully apart by KS."""
    left, right = (500.0, 500.0, *NONE[2:]), (500.0, 0.0, 500.0, *NONE[3:])
    assert psi(left, left) == 0
    assert ks(left, left) == 0
    assert ks(left, right) == 0.5
    assert psi((900.0, 100.0, *NONE[2:]), (100.0, 900.0, *NONE[2:])) == pytest.approx(
        2 * 0.8 * 2.1972 - 0.002, abs=1e-3
    )


@pytest.mark.parametrize(("a", "b"), [(NONE, NONE), (NONE, drawn(0.5, 10, 1)), (drawn(0.5, 10, 1), NONE)])
def test_nothing_is_no_distance(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    assert psi(a, b) == ks(a, b) == 0


def test_calibration_is_confidence_against_agreement() -> None:
    """A tier that is 90 % sure and right half of the time is 0.4 off; one that knows how sure it is, not at all."""

    def asked(confidence: float, agreed: int) -> Answers:
        heard = Heard(0.0)
        for number in range(100):
            fast = {"fast": {"score": confidence, "agreed": number < agreed}}
            heard.take(Seen(0, "c", "m", "1", FAST, (), 0.5, 0.2, 0.3, fast), 1.0)
        return heard.ended(10.0)

    assert calibration_error(asked(0.9, 50)) == pytest.approx(0.4)
    assert calibration_error(asked(0.9, 90)) == pytest.approx(0)
    assert calibration_error(asked(0.9, 50) + asked(0.3, 30)) == pytest.approx(0.2)
    assert calibration_error(Answers(frames=10)) is None


def test_frames_of_the_rule_tier_have_no_scores() -> None:
    heard = Heard(0.0)
    for tier in (RULE, RULE, FULL, FAST):
        heard.take(Seen(0, "c", "m", "1", tier, (0.9,), 0.5, 0.2, 0.3), 1.0)
    answers = heard.ended(4.0)
    assert (answers.detections, answers.rate, answers.share(RULE)) == (2, 1.0, 0.5)
    assert tiers_moved(answers, Answers(frames=4, tiers=(4.0, 0.0, 0.0))) == 0.75


def test_too_few_frames_are_no_comparison() -> None:
    """Unknown is not well: nothing is fed to the hysteresis."""
    many = Picture(100, 100.0, 0, *[Moments(100, 50.0, 26.0)] * 4)
    few = Picture(29, 100.0, 0, *[Moments(29, 1.0, 0.1)] * 4)
    assert moved.picture(many, few, Limits()) is None
    assert moved.picture(many, many, Limits()) is not None
    assert moved.answers(Answers(frames=100), Answers(frames=100, tiers=(100.0, 0.0, 0.0)), Limits()) is None
