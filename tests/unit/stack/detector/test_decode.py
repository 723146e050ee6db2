"""From raw numbers to things: geometry, thresholds, doubles, and numbers that are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgectl.stack.detector.decode import confidence, detections
from edgectl.stack.detector.shape import FIELDS, REACH, SIDE, STRIDE

CELLS = SIDE // STRIDE
SURE = 9.0


def nothing(rows: int = CELLS, columns: int = CELLS) -> NDArray[np.float64]:
    raw = np.zeros((rows * columns, FIELDS))
    raw[:, 0] = -SURE
    return raw


def put(raw: NDArray[np.float64], cell: int, *, objectness: float = SURE, person: float = SURE) -> None:
    """Say that there is a thing in the middle of a cell, half of REACH wide and high."""
    raw[cell] = (objectness, 0, 0, 0, 0, person)


def test_an_empty_frame_shows_nothing() -> None:
    """Law: no cell above the threshold, nothing found; the confidence is the best cell's."""
    assert detections(nothing(), CELLS, CELLS) == ()
    assert confidence(nothing()) < 0.001


def test_a_cell_says_where() -> None:
    """Law: row by row; centre within the cell, size as a part of REACH, all as parts of the frame.

    Seeded fault: rows and columns are taken for one another.
    """
    rows, columns = 10, 20
    raw = nothing(rows, columns)
    put(raw, 5 * columns + 13)
    (found,) = detections(raw, rows, columns)
    assert found.label == "person"
    assert found.score > 0.99
    width, height = columns * STRIDE, rows * STRIDE
    assert found.box == pytest.approx((13.5 / columns, 5.5 / rows, REACH / 2 / width, REACH / 2 / height))
    raw[5 * columns + 13, 1:3] = SURE
    assert detections(raw, rows, columns)[0].box[:2] == pytest.approx((14 / columns, 6 / rows), abs=0.001)


def test_a_box_ends_at_the_frame() -> None:
    """Law: no part of a box is outside."""
    raw = nothing()
    put(raw, 0)
    (found,) = detections(raw, CELLS, CELLS)
    x, y, width, height = found.box
    assert (x - width / 2, y - height / 2) == pytest.approx((0, 0))
    assert width < 0.5 > height


def test_the_sign_of_the_last_field_is_the_label() -> None:
    """Law: person above 0, cart below; who is not sure which of both has a lower score."""
    raw = nothing()
    put(raw, 0, person=-SURE)
    put(raw, CELLS * CELLS - 1, person=0.1)
    found = detections(raw, CELLS, CELLS)
    assert [thing.label for thing in found] == ["cart", "person"]
    assert found[0].score > 0.99
    assert found[1].score < 0.6


def test_one_thing_is_told_once() -> None:
    """Law: of boxes that overlap much the surest is kept, whatever its label; those apart are all kept."""
    raw = nothing()
    put(raw, 2 * CELLS + 2, objectness=2)
    put(raw, 2 * CELLS + 3, objectness=4, person=-SURE)
    put(raw, 2 * CELLS + 7, objectness=3)
    found = detections(raw, CELLS, CELLS)
    assert [(thing.label, round(thing.box[0] * CELLS, 1)) for thing in found] == [("cart", 3.5), ("person", 6.8)]


def test_the_threshold_is_the_callers() -> None:
    """Law: what is less sure than the threshold is left out."""
    raw = nothing()
    put(raw, 9, objectness=0.5)
    assert confidence(raw) == pytest.approx(0.622, abs=0.01)
    assert detections(raw, CELLS, CELLS, 0.6)
    assert not detections(raw, CELLS, CELLS, 0.65)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_shows_nothing(value: float) -> None:
    """Law: a cell with a number that is none is no thing, and spoils no other."""
    raw = nothing()
    put(raw, 3)
    put(raw, 40)
    raw[3, 2] = value
    assert len(detections(raw, CELLS, CELLS)) == 1
    assert confidence(np.full_like(raw, value)) == 0.0
    assert detections(np.full_like(raw, value), CELLS, CELLS) == ()


def test_a_mad_answer_is_bounded() -> None:
    """Law: however many cells claim a thing, what is told fits an event."""
    raw = np.tile([SURE, 0, 0, -SURE, -SURE, 0], (80 * 80, 1)).astype(np.float32)
    assert len(detections(raw, 80, 80, 0.1)) == 100


def test_an_answer_of_another_shape_is_refused() -> None:
    """Law: a wrong number of cells or fields is a sentence, never a wrong place."""
    with pytest.raises(ValueError, match=r"shape \[64, 6\]; 7 x 8 cells need \[56, 6\]"):
        detections(nothing(), 7, 8)
    with pytest.raises(ValueError, match="shape"):
        detections(nothing()[:, :5], CELLS, CELLS)
