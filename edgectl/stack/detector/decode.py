"""From the raw numbers of one frame to what is in it. Must not know where the numbers come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector.shape import FIELDS, LABELS, REACH, STRIDE
from edgectl.stack.ops.event import Detection

_SAME = 0.45  # boxes that overlap more than this (IoU) are one thing
_MOST = 100  # detections of a frame: what a mad model says must still fit an event
_FAR = 60.0  # a logit beyond it changes nothing

Floats = NDArray[np.float64]


def detections(raw: NDArray[Any], rows: int, columns: int, threshold: float = 0.5) -> tuple[Detection, ...]:
    """Return what one frame shows, surest first; `raw` is (rows * columns, FIELDS). What is no number shows nothing."""
    if raw.shape != (rows * columns, FIELDS):
        raise ValueError(
            f"the answer has shape {list(raw.shape)}; {rows} x {columns} cells need {[rows * columns, FIELDS]}"
        )
    score, person = _scores(raw)
    candidates = np.flatnonzero(score >= threshold)
    candidates = candidates[np.argsort(-score[candidates], kind="stable")]
    corners = _corners(_sigmoid(raw[candidates, 1:5]), candidates, rows, columns)
    kept: list[int] = []
    for at in range(len(candidates)):
        if len(kept) == _MOST:
            break
        if not kept or overlap(corners[at], corners[kept]).max() <= _SAME:
            kept.append(at)
    return tuple(
        Detection(LABELS[0 if person[candidates[at]] >= 0.5 else 1], float(score[candidates[at]]), box(corners[at]))  # noqa: PLR2004
        for at in kept
    )


def confidence(raw: NDArray[Any]) -> float:
    """Return the highest score of a frame, 0 to 1; `raw` is (cells, FIELDS)."""
    return float(_scores(raw)[0].max(initial=0.0))


def overlap(one: Floats, others: Floats) -> Floats:
    """Return intersection over union of a box with others; boxes are left, top, right, bottom."""
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    whole = np.prod(one[2:] - one[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - both
    return np.asarray(both / np.maximum(whole, 1e-12))


def box(corners: Floats) -> tuple[float, float, float, float]:
    """Return centre x, centre y, width, height of left, top, right, bottom."""
    left, top, right, bottom = (float(value) for value in corners)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def corners(detection: Detection) -> Floats:
    """Return left, top, right, bottom of a detection."""
    x, y, width, height = detection.box
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def _scores(raw: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return each cell's score and how much it is a person, 0 to 1."""
    person = _sigmoid(raw[:, 5])
    score = _sigmoid(raw[:, 0]) * np.maximum(person, 1 - person)
    return np.where(np.isfinite(raw).all(axis=1), score, 0.0), person


def _corners(parts: Floats, cells: NDArray[np.intp], rows: int, columns: int) -> Floats:
    """Return left, top, right, bottom as parts of the frame, cut at its edges."""
    frame = np.array([columns, rows], dtype=np.float64)
    cell = np.stack([cells % columns, cells // columns], axis=1)
    centre = (cell + parts[:, :2]) / frame
    half = parts[:, 2:] * (REACH / STRIDE) / frame / 2
    return np.asarray(np.clip(np.concatenate([centre - half, centre + half], axis=1), 0.0, 1.0))


def _sigmoid(values: NDArray[Any]) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values.astype(np.float64), -_FAR, _FAR))))
