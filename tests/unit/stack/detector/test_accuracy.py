"""The measure itself: what counts as found, made up and missed."""

from __future__ import annotations

import numpy as np

from edgectl.stack.detector.accuracy import Accuracy, matches, measure
from edgectl.stack.detector.shape import FIELDS
from edgectl.stack.ops.event import Detection


def thing(label: str, x: float) -> Detection:
    return Detection(label, 1.0, (x, 0.5, 0.2, 0.4))


def test_the_same_label_at_the_same_place_is_right() -> None:
    """Law: IoU of at least 0.5 and the same label; each thing that is there counts once."""
    there = (thing("person", 0.3), thing("cart", 0.7))
    assert matches((thing("person", 0.32), thing("cart", 0.7)), there) == 2
    assert matches((thing("person", 0.3), thing("person", 0.31)), there) == 1
    assert matches((thing("cart", 0.3),), there) == 0
    assert matches((thing("person", 0.4),), there) == 0
    assert matches((), there) == matches(there, ()) == 0


def test_f1_counts_both_ways_of_being_wrong() -> None:
    """Law: 0 where nothing is right, also where nothing is there: an empty measure is never fine."""
    assert Accuracy(8, 2, 2).f1 == 0.8
    assert Accuracy(0, 5, 5).f1 == Accuracy(0, 0, 0).f1 == 0.0


def test_who_says_nothing_or_everything_does_badly() -> None:
    """Seeded fault: a model that is always silent, and one that sees a thing in every cell."""
    assert measure(lambda pictures: np.full((len(pictures), 64, FIELDS), -9.0), range(20)).f1 == 0
    assert measure(lambda pictures: np.full((len(pictures), 64, FIELDS), 9.0), range(20)).f1 < 0.1
