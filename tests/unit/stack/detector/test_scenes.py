"""The made-up store: the same everywhere, full of what it says is in it, and at times empty."""

from __future__ import annotations

import hashlib
import itertools
import time

import numpy as np
import pytest

from edgectl.stack.detector import scenes
from edgectl.stack.detector.shape import LABELS, SIDE


def test_a_picture_follows_from_its_number_alone() -> None:
    """Law: these numbers give these pictures, on any machine, in any order."""
    pictures = [scenes.frame(seed)[0].tobytes() for seed in range(20)]
    pictures += [scenes.motion(3, step)[0].tobytes() for step in range(0, 200, 10)]
    assert hashlib.sha256(b"".join(pictures)).hexdigest().startswith("5b2373df2236c9e0")
    assert scenes.frame(7)[0].tobytes() == pictures[7]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("side", [16, SIDE, 200])
def test_it_has_the_size_that_was_asked_for(side: int) -> None:
    """Law: more pixels show the same things at the same places."""
    for picture, found in (scenes.frame(5, side), scenes.motion(5, 40, side)):
        assert picture.shape == (side, side, 3)
        assert picture.dtype == np.uint8
        assert found
    assert scenes.frame(5, side)[1] == scenes.frame(5)[1]


def test_what_it_says_is_there_can_be_seen() -> None:
    """Law: each box is in the frame, and its pixels are not those of the background."""
    for seed in range(60):
        picture, found = scenes.frame(seed)
        for thing in found:
            x, y, width, height = thing.box
            left, top, right, bottom = (
                round(value * SIDE) for value in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            )
            assert 0 <= left < right <= SIDE
            assert 0 <= top < bottom <= SIDE
            empty = scenes._background(seed, SIDE)[top:bottom, left:right]
            shown = picture[top:bottom, left:right].astype(float)
            light = np.median(picture / np.maximum(scenes._background(seed, SIDE), 1))
            assert np.abs(shown - empty * light).mean() > 8


def test_some_frames_are_empty_and_both_labels_come() -> None:
    """Law: of scenes and of each long film, some frames show nobody, some both persons and carts."""
    counts = [len(scenes.frame(seed)[1]) for seed in range(300)]
    assert 0.1 < np.mean(np.array(counts) == 0) < 0.3
    assert {thing.label for seed in range(40) for thing in scenes.frame(seed)[1]} == set(LABELS)
    film = [len(scenes.motion(1, step)[1]) for step in range(0, 3000, 10)]
    assert 0.05 < np.mean(np.array(film) == 0) < 0.7


def test_a_film_moves() -> None:
    """Law: from frame to frame a thing goes a little way; the shelves stay where they are."""
    steps = [scenes.motion(1, step)[1] for step in range(400)]
    pairs = [(a[0], b[0]) for a, b in itertools.pairwise(steps) if len(a) == len(b) == 1]
    ways = [abs(one.box[0] - other.box[0]) for one, other in pairs if one.label == other.label]
    assert len(ways) > 50
    assert 0 < max(ways) < 0.05


def test_it_is_fast_enough_for_a_camera() -> None:
    """Law: a frame costs less than 2 ms (0.3 on an idle core)."""
    scenes.frame(0)
    best = min(_seconds(seed) for seed in range(30))
    assert best < 0.002


def _seconds(seed: int) -> float:
    began = time.perf_counter()
    scenes.frame(seed)
    scenes.motion(seed, 5)
    return (time.perf_counter() - began) / 2
