"""Who says what is in a frame: the model, or the rule where the model does not answer.

Owns: the link `inference`, with its hysteresis, and the way from a picture to detections in the picture's own parts.
Must not know where frames come from or what becomes of answers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.camera import metrics
from edgectl.stack.camera.motion import Motion
from edgectl.stack.camera.picture import Picture, letterbox
from edgectl.stack.camera.settings import Inference
from edgectl.stack.camera.steady import Steady
from edgectl.stack.detector.decode import detections
from edgectl.stack.inference.client import Unanswered
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.event import FULL, RULE, Detection
from edgectl.wire.chain import MODEL, NETWORK

LINK = "inference"
MOTION = "motion"  # what the rule calls what it has seen


class Asks(Protocol):
    """A client of inference, for one thread."""

    def infer(
        self, array: NDArray[Any], *, model: str, deadline_seconds: float, trace: str = ""
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the model's answer and its parameters; raises Unanswered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is in a frame, and who says so."""

    detections: tuple[Detection, ...] = ()
    model: str = ""
    version: str = ""
    tier: str = RULE
    parameters: dict[str, Any] = field(default_factory=dict)


class Judge:
    """Shared by all workers; each brings a client of its own."""

    def __init__(self, inference: Inference, board: Board, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._inference, self._board, self._monotonic = inference, board, monotonic
        self._steady = Steady()
        self._last = Unanswered("it was not asked yet", NETWORK)
        board.degraded(LINK, str(self._last), NETWORK)

    def ask(self, client: Asks, picture: Picture, trace: str, *, surely: bool = False) -> Answer:
        """Return the model's answer; raises Unanswered, at once where it is known to be away (not when `surely`)."""
        if not surely and not self._steady.may_try(self._monotonic()):
            # A new one: one that is raised again and again holds the frame of each time in its traceback.
            raise Unanswered(str(self._last), self._last.kind)
        try:
            answer = self._asked(client, picture, trace)
        except Unanswered as error:
            metrics.UNANSWERED.labels(error.kind).inc()
            self._last = Unanswered(str(error), error.kind)
            if self._steady.failed(surely=error.kind == MODEL):
                self._board.degraded(LINK, str(error), error.kind)
            raise
        if not self._steady.worked():
            self._board.ready(LINK, f"{self._inference.model} answers")
        return answer

    def _asked(self, client: Asks, picture: Picture, trace: str) -> Answer:
        inference = self._inference
        square, fit = letterbox(picture, inference.side)
        began = time.perf_counter()
        raw, parameters = client.infer(
            square, model=inference.model, deadline_seconds=inference.deadline_ms / 1000, trace=trace
        )
        metrics.INFERENCE.observe(time.perf_counter() - began)
        found = tuple(replace(one, box=fit.back(one.box)) for one in decoded(raw, inference.threshold))
        tier, version = str(parameters.get("tier", FULL)), str(parameters.get("version", ""))
        return Answer(found, inference.model, version, tier, parameters)


def decoded(raw: NDArray[Any], threshold: float) -> tuple[Detection, ...]:
    """Return what the answer to one square picture says; Unanswered when it says nothing that can be understood."""
    cells = raw.shape[1] if raw.ndim == 3 and raw.shape[0] == 1 else 0  # noqa: PLR2004 - [1, cells, fields]
    rows = math.isqrt(cells)
    if not cells or rows * rows != cells:
        raise Unanswered(f"the model's answer has the shape {list(raw.shape)}, not [1, cells of a square, 6]", MODEL)
    if not np.isfinite(raw).all():
        raise Unanswered("the model's answer holds values that are no numbers", MODEL)
    try:
        return detections(raw[0], rows, rows, threshold)
    except ValueError as error:
        raise Unanswered(f"the model's answer cannot be understood: {error}", MODEL) from error


def by_rule(motion: Motion, threshold: float) -> Answer:
    """Return what motion alone says: something, there, from `threshold` on; how sure: half at it, more above."""
    if motion.level < threshold:
        return Answer()
    score = motion.level / (motion.level + threshold)
    return Answer((Detection(MOTION, round(score, 4), motion.box),))
