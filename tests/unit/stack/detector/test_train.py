"""How the detector learns: what a cell should say, which way is down, and the same way each time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgectl.stack.detector import accuracy, scenes
from edgectl.stack.detector.decode import detections
from edgectl.stack.detector.export import export
from edgectl.stack.detector.network import Weights, initial
from edgectl.stack.detector.shape import SIDE, STRIDE
from edgectl.stack.detector.train import Plan, backward, lessons, target, train
from edgectl.stack.ops.event import Detection

CELLS = SIDE // STRIDE
SHORT = Plan(scenes=96, rounds=2)


def read(aim: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> tuple[Detection, ...]:
    """Return what a network would be understood to say that says exactly this."""
    sure = np.clip(aim.astype(np.float64), 1e-6, 1 - 1e-6)
    return detections(np.log(sure / (1 - sure)), CELLS, CELLS)


def test_what_is_taught_is_what_is_read() -> None:
    """Law: targets and decoding are the reverse of each other.

    Seeded fault: rows and columns, or width and height, are changed for one another in one of the two.
    """
    shown = [scenes.frame(seed)[1] for seed in range(100)]
    found = sum(accuracy.matches(read(target(there, mirror=False)), there) for there in shown)
    assert found >= 0.98 * sum(len(there) for there in shown)  # a few share a cell


def test_a_mirror_changes_left_and_right_alone() -> None:
    """Law: the picture is turned, and so is what is in it."""
    (thing,) = read(target((Detection("cart", 1.0, (0.3, 0.6, 0.2, 0.25)),), mirror=True))
    assert thing.label == "cart"
    assert thing.box == pytest.approx((0.7, 0.6, 0.2, 0.25), abs=1e-4)


@pytest.mark.parametrize("name", sorted(initial()))
def test_the_slope_is_the_slope(name: str) -> None:
    """Law: of each layer, the loss falls by what its slope says (measured by trying it)."""
    lesson = next(lessons(Plan(scenes=48, rounds=1)))
    weights = initial()
    _, slopes = backward(weights, lesson)
    way: NDArray[np.float32] = (slopes[name] / np.linalg.norm(slopes[name])).astype(np.float32) * np.float32(0.01)
    ahead: Weights = {**weights, name: weights[name] + way}
    back: Weights = {**weights, name: weights[name] - way}
    measured = (backward(ahead, lesson)[0] - backward(back, lesson)[0]) / 0.02
    assert measured == pytest.approx(float(np.linalg.norm(slopes[name])), rel=0.05)


def test_training_goes_the_same_way_each_time() -> None:
    """Law: the same machine gives the same bytes; and it learns."""
    said: list[str] = []
    first = train(SHORT, say=said.append)
    assert export(train(SHORT)) == export(first)
    assert any((first[name] != value).any() for name, value in initial().items())
    assert said[-1].startswith("step 4 of 4: loss ")


def test_fine_tuning_begins_where_it_is_told() -> None:
    """Law: a small rate leaves a model near the one that it was; the given weights are not touched."""
    start = initial()
    tuned = train(Plan(scenes=48, rounds=1, rate=1e-5), start)
    assert all((start[name] == value).all() for name, value in initial().items())
    assert max(float(np.abs(tuned[name] - start[name]).max()) for name in start) < 1e-4
