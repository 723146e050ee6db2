"""Laws of pictures: nothing is stretched, a box comes back to where it was, the figures say what people see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.camera.picture import Fit, Picture, grey, letterbox, look, shrunk
from edgectl.stack.detector import scenes


def plain(height: int, width: int, value: int = 200) -> Picture:
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_the_models_own_size_is_left_as_it_is() -> None:
    """A picture of the square's size comes through bit for bit."""
    picture = scenes.frame(3)[0]
    square, fit = letterbox(picture, 64)
    assert fit == Fit(0, 0, 1, 1)
    assert np.array_equal(np.round(square[0].transpose(1, 2, 0) * 255).astype(np.uint8), picture)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([8, 64, 96]))
def test_any_picture_fits(height: int, width: int, side: int) -> None:
    """Whatever comes, the model gets its shape, values 0 to 1, the picture whole and its proportions kept."""
    square, fit = letterbox(plain(height, width), side)
    assert square.shape == (1, 3, side, side)
    assert square.dtype == np.float32
    assert square.max() == pytest.approx(200 / 255)
    assert round(fit.width * side) == max(1, round(width * side / max(width, height)))
    assert (square[0, 0] > 0).sum() == round(fit.width * side) * round(fit.height * side)


@given(
    st.tuples(st.integers(2, 640), st.integers(2, 640)),
    st.tuples(*[st.floats(0.05, 0.95)] * 2),
    st.tuples(*[st.floats(0.01, 0.1)] * 2),
)
def test_a_box_comes_back_to_where_it_was(
    size: tuple[int, int], centre: tuple[float, float], half: tuple[float, float]
) -> None:
    """Into the square and back is where it was."""
    _, fit = letterbox(plain(*size), 64)
    box = (*centre, *half)
    there = (
        fit.left + box[0] * fit.width,
        fit.top + box[1] * fit.height,
        box[2] * fit.width,
        box[3] * fit.height,
    )
    assert fit.back(there) == pytest.approx(box, abs=1e-6)


def test_a_box_in_the_margin_is_cut_at_the_pictures_edge() -> None:
    """No detection lies outside of its picture."""
    _, fit = letterbox(plain(32, 64), 64)
    x, y, width, height = fit.back((0.5, 0.2, 0.2, 0.4))
    assert 0 <= y - height / 2 <= y + height / 2 <= 1
    assert (x, width) == pytest.approx((0.5, 0.2))


def test_small_is_the_mean_of_large() -> None:
    """No pixel is left out: a thin line survives as a grey one."""
    picture = plain(64, 64, 0)
    picture[:, 3] = 255
    assert shrunk(picture, 16, 16)[:, 0, 0] == pytest.approx(255 / 4)
    assert shrunk(picture, 16, 16).mean() == pytest.approx(picture.mean())
    assert grey(picture, 16)[0, 0] == pytest.approx(0.25, abs=1e-5)


def test_a_dark_picture_is_dark_and_a_soft_one_is_soft() -> None:
    """The figures move the way that people would say, and only the one that is meant."""
    picture = scenes.frame(3, 256)[0]
    normal = look(picture)
    dark = look((picture * 0.1).astype(np.uint8))
    # A lens out of focus: means over 16 pixels, made large again.
    soft = look(shrunk(shrunk(picture, 16, 16), 256, 256).astype(np.uint8))
    assert dark.brightness < normal.brightness / 5
    assert dark.contrast < normal.contrast / 5
    assert soft.sharpness < normal.sharpness / 2
    assert soft.brightness == pytest.approx(normal.brightness, abs=0.02)
    assert look(plain(40, 40)).sharpness == look(plain(40, 40)).contrast == 0


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 9)])
def test_a_tiny_picture_has_figures_too(size: tuple[int, int]) -> None:
    assert look(plain(*size)).brightness == pytest.approx(200 / 255, abs=1e-4)
