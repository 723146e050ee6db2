"""Mark an answer: is the right cause first, is what must be named named, and was a healthy part blamed.

Pure. An answer of nothing is wrong, and one that names everything blames what is healthy.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.doctor.answer import Answer, Cause
from tests.doctor.fault import Question, Truth


@dataclass(frozen=True, slots=True)
class Mark:
    """What an answer is worth."""

    first: bool  # the first cause is right
    missing: tuple[str, ...]  # faults that must be named and are not
    blamed: tuple[str, ...]  # healthy parts that are named as causes, or words that are no part
    praised: tuple[str, ...]  # broken parts that are called fine

    @property
    def right(self) -> bool:
        """Whether the answer counts: the first cause is right, and nothing is missing."""
        return self.first and not self.missing


def fits(cause: Cause, truth: Truth) -> bool:
    """Tell whether a cause is this one: its part, and all that a right sentence has."""
    return cause.part in truth.parts and _has(cause.sentence, truth)


def named(answer: Answer, truth: Truth) -> bool:
    """Tell whether this is among the causes, or among the notes where a note will do."""
    noted = truth.noted and any(_has(note, truth) for note in answer.notes)
    return noted or any(fits(cause, truth) for cause in answer.causes)


def mark(question: Question, answer: Answer) -> Mark:
    """Mark an answer."""
    foremost = Answer(causes=answer.causes[:1], notes=() if answer.causes else answer.notes)
    first = any(named(foremost, fault.truth) for fault in question.leads)
    missing = tuple(fault.name for fault in question.asked if not named(answer, fault.truth))
    known = frozenset[str]().union(*(fault.touched for fault in question.faults))
    blamed = tuple(dict.fromkeys(cause.part for cause in answer.causes if cause.part not in known))
    # of a part that has several right names one may be fine, and so may what only follows
    wrong = [fault for fault in question.asked if set(fault.truth.parts) <= set(answer.fine)]
    return Mark(first, missing, blamed, tuple(part for fault in wrong for part in fault.truth.parts))


def _has(sentence: str, truth: Truth) -> bool:
    plain = sentence.lower()
    return all(any(text.lower() in plain for text in group) for group in truth.says)
