"""Versions whose models are Python: they add to each frame, so that an answer tells whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgectl.stack.inference.loaded import Loaded, Place
from edgectl.stack.inference.protocol import Array, Tensor
from edgectl.stack.inference.tiers import Band, Tiers

INPUTS = (Tensor("image", "FP32", (-1, -1)),)
OUTPUTS = (Tensor("out", "FP32", (-1, -1)),)
POISON = 666.0  # a frame of it breaks the batch that it is in


class Adder:
    """A session: gives back what it gets, and `plus`. Keeps the size of each batch."""

    def __init__(self, plus: float | Sequence[float] = 0.0) -> None:
        self.plus = plus
        self.batches: list[int] = []
        self.before: Callable[[], Any] = lambda: None
        self.broken = ""

    def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Add."""
        self.before()
        image = arrays["image"]
        self.batches.append(len(image))
        if self.broken or np.any(image == POISON):
            raise RuntimeError(self.broken or "a poisoned frame")
        return {"out": image + np.asarray(self.plus, dtype=np.float32)}


def version(name: str = "1", full: Any = None, fast: Any = None, *, band: Band | None = None) -> Loaded:
    """Return a version that answers by these sessions."""
    tiers = Tiers(full or Adder(), fast, band or Band())
    return Loaded(
        Place("adder", name, Path(f"/models/adder/{name}")), INPUTS, OUTPUTS, "none", tiers, None, frame(0), 10
    )


def frame(*values: float) -> dict[str, Array]:
    """Return a question of one frame, at least two wide."""
    return {"image": np.array([list(values) + [0.0] * (2 - len(values))], dtype=np.float32)}


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """Return seconds since 1970."""
        return self.time

    def monotonic(self) -> float:
        """Return the same."""
        return self.time

    def wait(self, seconds: float, stop: Any) -> bool:
        """Let so much time pass at once."""
        self.time += seconds
        return bool(stop.is_set())
