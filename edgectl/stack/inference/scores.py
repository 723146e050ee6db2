"""What an answer means: how sure a version is of each frame, and whether two versions say the same of it.

Owns: the reading of detections (the reference model's shape), of classes (frames by classes), and of anything else as
mere numbers. Must not know who asks, or what follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgectl.stack.detector.decode import confidence, corners, detections, overlap
from edgectl.stack.detector.shape import FIELDS, STRIDE
from edgectl.stack.inference.protocol import Array
from edgectl.stack.ops.event import Detection

_SAME_BOX = 0.5  # IoU
_CLOSE = 0.1  # of its size that an answer of mere numbers may be off
_IMAGE, _CELLS, _CLASSES = 4, 3, 2  # dimensions


@dataclass(frozen=True, slots=True)
class Both:
    """Of a frame that both tiers have answered: how sure the fast one was, and whether the full one says the same."""

    score: float
    agreed: bool


def sureness(outputs: Mapping[str, Array]) -> list[float] | None:
    """Return how sure each frame is, 0 to 1; None when that cannot be told from an answer of this kind."""
    first = next(iter(outputs.values()))
    if _is_detections(first):
        return [confidence(frame) for frame in first]
    if first.ndim == _CLASSES and first.dtype.kind == "f" and first.shape[1] > 1:
        exact = first.astype(np.float64)
        power = np.exp(exact - exact.max(axis=1, keepdims=True))
        return [float(value) for value in power.max(axis=1) / power.sum(axis=1)]
    return None


def certainty(outputs: Mapping[str, Array]) -> list[float] | None:
    """Return how sure each frame's answer is of itself; "there is nothing" at a score of 0.1 is as sure as 0.9 is."""
    sure = sureness(outputs)
    if sure is None or not _is_detections(next(iter(outputs.values()))):
        return sure
    return [max(value, 1 - value) for value in sure]


def agree(one: Mapping[str, Array], other: Mapping[str, Array], inputs: Mapping[str, Array]) -> list[bool]:
    """Say of each frame whether two answers mean the same; `inputs` is what was asked."""
    a, b = next(iter(one.values())), next(iter(other.values()))
    if a.shape != b.shape:
        return [False] * len(a)
    grid = _grid(inputs, a)
    if grid is not None:
        return [same(detections(left, *grid), detections(right, *grid)) for left, right in zip(a, b, strict=True)]
    if a.ndim == _CLASSES and a.shape[1] > 1:
        return [bool(value) for value in a.argmax(axis=1) == b.argmax(axis=1)]
    return [_close(left, right) for left, right in zip(a, b, strict=True)]


def both(question: Mapping[str, Array], fast: Mapping[str, Array] | None, full: Mapping[str, Array]) -> Both | None:
    """Compare the tiers' answers to one frame; None where there are not both, or how sure one is cannot be told."""
    sure = certainty(fast) if fast is not None else None
    if fast is None or sure is None or len(sure) != 1:
        return None
    return Both(round(sure[0], 4), agree(full, fast, question) == [True])


def same(one: Sequence[Detection], other: Sequence[Detection]) -> bool:
    """Tell whether two lists name the same things: each one has its own partner, of its label, where it is."""
    if len(one) != len(other):
        return False
    left = list(other)
    for item in one:
        alike = [partner for partner in left if partner.label == item.label]
        if not alike:
            return False
        found = overlap(corners(item), np.stack([corners(partner) for partner in alike]))
        best = int(found.argmax())
        if found[best] < _SAME_BOX:
            return False
        left.remove(alike[best])
    return True


def _is_detections(output: Array) -> bool:
    return output.ndim == _CELLS and output.shape[2] == FIELDS and output.dtype.kind == "f"


def _grid(inputs: Mapping[str, Array], output: Array) -> tuple[int, int] | None:
    """Return rows and columns of cells, where the answer is the reference model's kind."""
    image = next(iter(inputs.values()))
    if image.ndim != _IMAGE or not _is_detections(output):
        return None
    rows, columns = image.shape[2] // STRIDE, image.shape[3] // STRIDE
    return (rows, columns) if rows * columns == output.shape[1] else None


def _close(one: Array, other: Array) -> bool:
    left, right = one.astype(np.float64), other.astype(np.float64)
    return bool(np.linalg.norm(left - right) <= _CLOSE * np.linalg.norm(left) + 1e-6)
