"""The golden question of a version: what it must answer, number by number, when it is the model that it says it is.

Owns: reference.json ({"request", "answer", "tolerance"}) and the comparison. The answer is the full tier's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgectl.stack.inference.protocol import Array, Tensor, read

FILE = "reference.json"
_SAID = 200  # characters of what is wrong with it
_TOLERANCE = 1e-4  # where the file names none


@dataclass(frozen=True, slots=True)
class Golden:
    """One question and its known answer."""

    question: dict[str, Array]
    answer: Array
    tolerance: float

    def wrong(self, outputs: Mapping[str, Array]) -> str:
        """Say how an answer differs from the known one; "" when it does not."""
        have = next(iter(outputs.values())).astype(np.float64).ravel()
        if have.shape != self.answer.shape:
            return f"the golden answer has {self.answer.size} numbers, this one {have.size}"
        off = np.abs(have - self.answer)
        if not np.all(off <= self.tolerance):  # a NaN is never near
            return f"the golden answer is missed by {float(off.max()):.6g} (at most {self.tolerance:g})"
        return ""


def golden(folder: Path, *, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Golden | None:
    """Return the golden question of a version's folder, None when it has none; ValueError when it does not fit."""
    file = next((path for path in (folder / FILE, folder.parent / FILE) if path.is_file()), None)
    if file is None:
        return None
    try:
        doc = json.loads(file.read_bytes())
        request = json.dumps(doc["request"]).encode()
        known = np.asarray(doc["answer"], dtype=np.float64).ravel()
        tolerance = float(doc.get("tolerance", _TOLERANCE))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{FILE} cannot be read: {type(error).__name__}: {str(error)[:_SAID]}") from error
    if not known.size or not np.isfinite(known).all() or not tolerance >= 0:
        raise ValueError(f"{FILE} holds no answer of numbers")
    try:
        question = read(request, inputs=inputs, outputs=outputs)
    except ValueError as error:
        raise ValueError(f"the question of {FILE} does not fit the model: {error}") from error
    return Golden(question.arrays, known, tolerance)
