"""How well a detector detects: what it finds in scenes that it has never learnt from, against what is there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector import scenes
from edgectl.stack.detector.decode import corners, detections, overlap
from edgectl.stack.ops.event import Detection

FIXED = range(200)  # the scenes that every version is measured on; training begins at train.FIRST_LESSON
_SAME = 0.5  # a box that overlaps so much (IoU) is the right one

Run = Callable[[NDArray[np.float32]], NDArray[Any]]  # (batch, 3, SIDE, SIDE) -> (batch, cells, FIELDS)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of all frames together: things found, things made up, things missed."""

    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """2 * right / (2 * right + wrong + missed); 0 where there is nothing to be right about."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def measure(run: Run, seeds: Iterable[int] = FIXED) -> Accuracy:
    """Return how well a model does on these scenes."""
    shown = [scenes.frame(seed) for seed in seeds]
    raw = run(pictures([picture for picture, _ in shown]))
    return judge(raw, [there for _, there in shown])


def judge(raw: NDArray[Any], shown: Sequence[tuple[Detection, ...]]) -> Accuracy:
    """Compare raw answers to square pictures, (batch, cells, FIELDS), with what the pictures show."""
    cells = math.isqrt(raw.shape[1])
    pairs = [(detections(one, cells, cells), there) for one, there in zip(raw, shown, strict=True)]
    right = sum(matches(found, there) for found, there in pairs)
    found_all, there_all = sum(len(found) for found, _ in pairs), sum(len(there) for _, there in pairs)
    return Accuracy(right, found_all - right, there_all - right)


def pictures(frames: Iterable[scenes.Frame]) -> NDArray[np.float32]:
    """Return frames as the model takes them: (batch, 3, height, width), 0 to 1."""
    return np.ascontiguousarray((np.stack(list(frames)).astype(np.float32) / 255).transpose(0, 3, 1, 2))


def matches(found: tuple[Detection, ...], there: tuple[Detection, ...]) -> int:
    """Return how many of the found things are there: the same label, the same place, each counted once."""
    left, right = list(there), 0
    for one in found:
        same = [other for other in left if other.label == one.label]
        if not same:
            continue
        overlaps = overlap(corners(one), np.stack([corners(other) for other in same]))
        if overlaps.max() >= _SAME:
            left.remove(same[int(overlaps.argmax())])
            right += 1
    return right
