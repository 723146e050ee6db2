"""A model for tests of the camera: says that there is one thing in the middle, or whatever it is told to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.inference.client import Unanswered

CELLS = 64


def raw(*sure: int) -> NDArray[np.float32]:
    """Return the answer [1, 64, 6] that is sure of a person in these cells (of 8 x 8), and of nothing else."""
    answer = np.full((1, CELLS, 6), -20.0, dtype=np.float32)
    for cell in sure:
        answer[0, cell] = (20.0, 0.0, 0.0, -2.0, -1.0, 20.0)
    return answer


class FakeClient:
    """Answers with `answer`, or raises `error`; counts what it was asked."""

    def __init__(self) -> None:
        self.answer: NDArray[Any] = raw(27)
        self.parameters: dict[str, Any] = {"tier": "fast", "version": "2"}
        self.error: Exception | None = None
        self.asked: list[tuple[int, ...]] = []
        self.traces: list[str] = []

    def infer(
        self, array: NDArray[Any], *, model: str, deadline_seconds: float, trace: str = ""
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Answer."""
        assert model
        assert deadline_seconds > 0
        self.asked.append(array.shape)
        self.traces.append(trace)
        if self.error is not None:
            raise self.error
        return self.answer, self.parameters

    def away(self, kind: str, sentence: str = "it is away") -> None:
        """Answer no more."""
        self.error = Unanswered(sentence, kind)
