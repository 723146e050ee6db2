"""The motion gate: which frames are worth asking about, how much has moved and where.

Owns: the rule, on small grey pictures. Must not know cameras or inference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgectl.stack.camera.picture import Box, Floats

SIDE = 16  # pixels of the small picture: fewer, and motion of far things drowns; more, and noise counts
RULE_LEVEL = 0.004  # what counts as motion for the rule tier where the gate is off

_CELL_CHANGE = 0.05  # of one cell of the small picture (0 to 1): more than a sensor's noise


@dataclass(frozen=True, slots=True)
class Motion:
    """What has changed since the frame before: mean change (0 to 1), around what; `passes`: worth asking about."""

    level: float = 0.0
    box: Box = (0.5, 0.5, 1.0, 1.0)
    passes: bool = True
    same: bool = False  # not one bit is different


UNKNOWN = Motion()  # of a frame that has none before it


class Gate:
    """Of one camera. `threshold` 0 lets every frame pass; one passes every `idle_seconds` at least."""

    def __init__(self, *, threshold: float, idle_seconds: float) -> None:
        self._threshold, self._idle_seconds = threshold, idle_seconds
        self._before: Floats | None = None
        self._passed = float("-inf")

    def judge(self, small: Floats, now: float) -> Motion:
        """Compare with the frame before, `now` seconds."""
        before, self._before = self._before, small
        if before is None:
            self._passed = now
            return UNKNOWN
        change = np.abs(small - before)
        level = float(change.mean())
        passes = level >= self._threshold or now - self._passed >= self._idle_seconds
        if passes:
            self._passed = now
        return Motion(level, _around(change > _CELL_CHANGE), passes, same=not change.any())


def _around(moved: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Box:
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    if not rows.size:
        return (0.5, 0.5, 1.0, 1.0)
    high, wide = moved.shape
    top, bottom = rows[0] / high, (rows[-1] + 1) / high
    left, right = columns[0] / wide, (columns[-1] + 1) / wide
    return float((left + right) / 2), float((top + bottom) / 2), float(right - left), float(bottom - top)
