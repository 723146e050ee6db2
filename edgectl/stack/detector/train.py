"""How the detector learns, with numpy alone: convolutions as matrix products, cross-entropy, Adam.

Owns: the lessons (scenes that no test uses), the loss and the schedule. The same machine gives the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector import scenes
from edgectl.stack.detector.network import LAYERS, Layer, Weights, initial
from edgectl.stack.detector.shape import FIELDS, LABELS, REACH, SIDE, STRIDE
from edgectl.stack.detector.stream import uniform
from edgectl.stack.ops.event import Detection

Floats = NDArray[np.float32]

FIRST_LESSON = 1_000_000  # the first scene to learn from: tests look at others
_BATCH = 48
_GRID = SIDE // STRIDE
# How much each field counts where a thing is; objectness counts in every cell.
_WORTH = np.array([4.0, 1.0, 1.0, 2.0, 2.0, 1.0], dtype=np.float32)
_MEAN_DECAY, _SQUARE_DECAY, _TINY = 0.9, 0.99, 1e-8


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to learn, and from what."""

    scenes: int = 9600
    rounds: int = 6
    rate: float = 3e-3
    first: int = FIRST_LESSON
    name: str = "lessons"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A batch: pictures (batch, SIDE, SIDE, 3) from 0 to 1, what each cell should say, and how much that counts."""

    pictures: Floats
    targets: Floats
    worth: Floats


def train(
    plan: Plan | None = None, start: Weights | None = None, *, say: Callable[[str], None] = lambda _: None
) -> Weights:
    """Return what was learnt from `start`, or from the first weights."""
    plan = plan or Plan()
    weights = {name: value.astype(np.float32) for name, value in (start or initial()).items()}
    means = {name: np.zeros_like(value) for name, value in weights.items()}
    squares = {name: np.zeros_like(value) for name, value in weights.items()}
    steps = plan.rounds * (plan.scenes // _BATCH)
    loss = 0.0
    for step, lesson in enumerate(lessons(plan), start=1):
        now, slopes = backward(weights, lesson)
        loss += 0.02 * (now - loss)
        rate = plan.rate * min(1.0, step / 50) * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)
        rate *= math.sqrt(1 - _SQUARE_DECAY**step) / (1 - _MEAN_DECAY**step)
        for name, slope in slopes.items():
            means[name] += (1 - _MEAN_DECAY) * (slope - means[name])
            squares[name] += (1 - _SQUARE_DECAY) * (slope**2 - squares[name])
            weights[name] -= np.float32(rate) * means[name] / (np.sqrt(squares[name]) + _TINY)
        if step % 100 == 0 or step == steps:
            say(f"step {step} of {steps}: loss {loss:.3f}")
    return weights


def lessons(plan: Plan) -> Iterator[Lesson]:
    """Give the scenes in batches, in another order each round; half of them seen in a mirror."""
    shown = [scenes.frame(plan.first + index) for index in range(plan.scenes)]
    pictures = np.stack([picture for picture, _ in shown])
    aims = [np.stack([target(found, mirror=mirror) for _, found in shown]) for mirror in (False, True)]
    for turn in range(plan.rounds):
        order = np.argsort(uniform(f"{plan.name} {turn}", plan.scenes), kind="stable")
        mirrored = uniform(f"{plan.name} {turn} mirrors", plan.scenes) < 0.5  # noqa: PLR2004 - half
        for at in range(0, plan.scenes - _BATCH + 1, _BATCH):
            batch = order[at : at + _BATCH]
            turned = mirrored[batch]
            picture = pictures[batch].astype(np.float32) / np.float32(255)
            picture[turned] = picture[turned][:, :, ::-1]
            aim = np.where(turned[:, None, None], aims[1][batch], aims[0][batch])
            there = aim[..., :1]
            worth = there * _WORTH
            worth[..., 0] += 1 - there[..., 0]
            yield Lesson(picture, aim, worth / np.float32(_BATCH))


def target(found: tuple[Detection, ...], *, mirror: bool) -> Floats:
    """Return what each cell should say after its sigmoid, (cells, FIELDS)."""
    aim = np.zeros((_GRID * _GRID, FIELDS), dtype=np.float32)
    for thing in found:
        x, y, width, height = thing.box
        x = (1 - x if mirror else x) * _GRID
        y *= _GRID
        column, row = min(int(x), _GRID - 1), min(int(y), _GRID - 1)
        part = SIDE / REACH
        aim[row * _GRID + column] = (1, x - column, y - row, width * part, height * part, thing.label == LABELS[0])
    return aim


def backward(weights: Weights, lesson: Lesson) -> tuple[float, Weights]:
    """Return the loss of a lesson and its slope for each weight."""
    value, kept = lesson.pictures, []
    for layer in LAYERS:
        columns = _columns(value, layer)
        matrix = weights[f"{layer.name}.weight"].transpose(2, 3, 1, 0).reshape(-1, layer.outputs)
        shape = value.shape
        value = columns @ matrix + weights[f"{layer.name}.bias"]
        if layer.relu:
            np.maximum(value, 0, out=value)
        kept.append((columns, matrix, shape, value))
    raw = value.reshape(lesson.targets.shape)
    # Cross-entropy of sigmoids: its slope is what was said minus what should have been.
    loss = float((lesson.worth * (np.logaddexp(0, raw) - lesson.targets * raw)).sum())
    said = (1 / (1 + np.exp(-raw))).astype(np.float32)
    slope: Floats = np.reshape(lesson.worth * (said - lesson.targets), value.shape)
    slopes: Weights = {}
    for layer, (columns, matrix, shape, value) in zip(reversed(LAYERS), reversed(kept), strict=True):
        if layer.relu:
            slope = slope * (value > 0)
        flat = slope.reshape(-1, layer.outputs)
        whole = (columns.reshape(-1, columns.shape[-1]).T @ flat).reshape(layer.kernel, layer.kernel, layer.inputs, -1)
        slopes[f"{layer.name}.weight"] = whole.transpose(3, 2, 0, 1)
        slopes[f"{layer.name}.bias"] = flat.sum(axis=0)
        if layer is not LAYERS[0]:
            slope = _picture(slope @ matrix.T, layer, shape)
    return loss, slopes


def _columns(value: Floats, layer: Layer) -> Floats:
    """Lay out what each output pixel sees: (batch, rows, columns, kernel * kernel * inputs)."""
    if layer.kernel == 1:
        return value
    pad, step = layer.padding, layer.stride
    padded = np.pad(value, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows, columns = value.shape[1] // step, value.shape[2] // step
    seen = np.empty((value.shape[0], rows, columns, layer.kernel**2, layer.inputs), dtype=np.float32)
    for part in range(layer.kernel**2):
        y, x = divmod(part, layer.kernel)
        seen[..., part, :] = padded[:, y : y + rows * step : step, x : x + columns * step : step]
    return seen.reshape(value.shape[0], rows, columns, -1)


def _picture(slope: Floats, layer: Layer, shape: tuple[int, ...]) -> Floats:
    """Add up at each input pixel the slopes of all outputs that have seen it; the reverse of _columns."""
    if layer.kernel == 1:
        return slope
    pad, step = layer.padding, layer.stride
    padded = np.zeros((shape[0], shape[1] + 2 * pad, shape[2] + 2 * pad, shape[3]), dtype=np.float32)
    rows, columns = slope.shape[1:3]
    parts = slope.reshape(shape[0], rows, columns, layer.kernel**2, layer.inputs)
    for part in range(layer.kernel**2):
        y, x = divmod(part, layer.kernel)
        padded[:, y : y + rows * step : step, x : x + columns * step : step] += parts[..., part, :]
    return padded[:, pad:-pad, pad:-pad]
