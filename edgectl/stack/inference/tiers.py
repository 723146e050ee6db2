"""Two tiers of one version: the fast model first, the full one where the fast one is unsure.

Owns: which frames go on to the full model, and that what one question makes fail fails no other. Must not know where
models come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from edgectl.stack.inference.job import Failed
from edgectl.stack.inference.protocol import Array, finite
from edgectl.stack.inference.scores import Both, both, sureness
from edgectl.stack.ops.event import FAST, FULL

Arrays = dict[str, Array]


class Session(Protocol):
    """A model, loaded."""

    def infer(self, arrays: Mapping[str, Array]) -> Arrays:
        """Run it once."""


class Said(NamedTuple):
    """One answer, by which tier; `fast` where both have answered."""

    outputs: Arrays
    tier: str
    fast: Both | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Where the fast model is unsure: from `low` to `high`. Below it there is nothing, above it there is something."""

    low: float = 0.2
    high: float = 0.8

    def holds(self, value: float) -> bool:
        """Tell whether a frame so sure is not sure enough."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Tiers:
    """A version's models. `splits`: what comes as one goes as one, frame by frame (else each question runs alone)."""

    full: Session
    fast: Session | None = None
    band: Band = Band()
    splits: bool = True

    def answer(self, questions: Sequence[Arrays], full: Sequence[bool]) -> list[Said | Failed]:
        """Return each question's outputs and its tier, or why there are none; `full` asks for the full model."""
        done: dict[int, Said] = {}
        unsure: dict[int, Arrays] = {}
        if self.fast is not None:
            first = [at for at, wanted in enumerate(full) if not wanted]
            for at, got in zip(first, self._run(self.fast, [questions[at] for at in first]), strict=True):
                # A fast model that fails, or says no numbers, is one that is not sure.
                if isinstance(got, Failed):
                    continue
                if self._unsure(got):
                    unsure[at] = got
                else:
                    done[at] = Said(got, FAST)
        rest = [at for at in range(len(questions)) if at not in done]
        answers: dict[int, Said | Failed] = dict(done)
        for at, got in zip(rest, self._run(self.full, [questions[at] for at in rest]), strict=True):
            answers[at] = got if isinstance(got, Failed) else Said(got, FULL, both(questions[at], unsure.get(at), got))
        return [answers[at] for at in range(len(questions))]

    def audit(self, question: Arrays, fast: Arrays) -> Both | None:
        """Ask the full model what the fast one has answered surely; None where it says nothing, or no one can tell."""
        got = _alone(self.full, question)
        return None if isinstance(got, Failed) else both(question, fast, got)

    def _unsure(self, outputs: Arrays) -> bool:
        sure = sureness(outputs)
        return sure is None or any(self.band.holds(value) for value in sure)

    def _run(self, session: Session, questions: Sequence[Arrays]) -> list[Arrays | Failed]:
        if not questions:
            return []
        if len(questions) == 1 or not self.splits:
            return [_alone(session, question) for question in questions]
        try:
            joined = {name: np.concatenate([question[name] for question in questions]) for name in questions[0]}
            outputs = session.infer(joined)
        except Exception:  # noqa: BLE001 - whose fault it is shows when each runs alone
            return [_alone(session, question) for question in questions]
        ends = np.cumsum([len(next(iter(question.values()))) for question in questions]).tolist()
        return [
            checked({name: array[start:end] for name, array in outputs.items()})
            for start, end in zip([0, *ends], ends, strict=False)
        ]


def checked(outputs: Arrays) -> Arrays | Failed:
    """Return an answer when all of it are numbers."""
    for name, array in outputs.items():
        if not finite(array):
            return Failed(f"output {name!r} holds values that are no finite numbers")
    return outputs


def _alone(session: Session, question: Arrays) -> Arrays | Failed:
    try:
        return checked(session.infer(question))
    except Exception as error:  # noqa: BLE001 - whatever a runtime raises is this question's failure
        return Failed(" ".join(str(error).split()) or type(error).__name__)
