"""Pictures as numbers: fit one into the model's square, put a box back, and say how bright, rich and sharp it is.

Owns: the arithmetic, on arrays of height x width x 3 bytes (RGB). Must not know where pictures come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]  # centre x, centre y, width, height: parts of the picture

# Variance of the Laplacian (of grey, 0 to 1) at which a picture is half sharp: soft ones of real lenses lie below.
_HALF_SHARP = 0.002


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture lies in the square: parts of the square's side."""

    left: float
    top: float
    width: float
    height: float

    def back(self, box: Box) -> Box:
        """Return a box of the square as one of the picture, cut at its edges."""
        x0, x1 = _within((box[0] - box[2] / 2 - self.left) / self.width, (box[0] + box[2] / 2 - self.left) / self.width)
        y0, y1 = _within((box[1] - box[3] / 2 - self.top) / self.height, (box[1] + box[3] / 2 - self.top) / self.height)
        return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is like, 0 to 1 each."""

    brightness: float  # mean of grey
    contrast: float  # twice its standard deviation
    sharpness: float  # variance of its Laplacian v as v / (v + 0.002)


def letterbox(picture: Picture, side: int) -> tuple[Floats, Fit]:
    """Return what the model sees, [1, 3, side, side] from 0 to 1, and where the picture lies in it, on black."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side - wide) // 2, (side - high) // 2
    square = np.zeros((1, 3, side, side), dtype=np.float32)
    square[0, :, top : top + high, left : left + wide] = shrunk(picture, wide, high).transpose(2, 0, 1) / 255.0
    return square, Fit(left / side, top / side, wide / side, high / side)


def grey(picture: Picture, side: int) -> Floats:
    """Return a small grey square of it, 0 to 1, whatever its own shape."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255.0
    small: Floats = shrunk(picture, side, side) @ weights
    return small


def look(picture: Picture) -> Look:
    """Return what a picture is like."""
    plain = picture @ (np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255.0)
    inner = plain[1:-1, 1:-1]
    laplacian = plain[:-2, 1:-1] + plain[2:, 1:-1] + plain[1:-1, :-2] + plain[1:-1, 2:] - 4 * inner
    sharp = float(laplacian.var()) if laplacian.size else 0.0
    contrast = min(1.0, 2 * float(plain.std()))
    return Look(float(plain.mean()), contrast, sharp / (sharp + _HALF_SHARP))


def shrunk(picture: NDArray[Any], width: int, height: int) -> Floats:
    """Return means over the areas that become one pixel each; where there is less than one pixel, the nearest."""
    values: Floats = picture.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        have = values.shape[axis]
        if have == size:
            continue
        edges = np.arange(size) * have // size
        counts = np.maximum(np.diff(np.append(edges, have)), 1)
        shape = [-1 if at == axis else 1 for at in range(values.ndim)]
        sums = np.asarray(np.add.reduceat(values, edges, axis=axis), dtype=np.float32)
        values = np.asarray(sums / counts.reshape(shape), dtype=np.float32)
    return values


def _within(low: float, high: float) -> tuple[float, float]:
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
