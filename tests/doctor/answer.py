"""What doctor has answered, read from its JSON document.

Owns: the fields that are marked, and what counts as no answer. Must not know which answer is right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.doctor.parts import part_of


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause that was named."""

    part: str
    sentence: str
    code: str = ""
    consequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """All causes, in the order in which they were named; notes are nobody's fault; `broken`: why there is no answer."""

    causes: tuple[Cause, ...] = ()
    fine: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    broken: str = ""

    def said(self) -> str:
        """Say it on one line."""
        if self.broken:
            return self.broken
        words = "; ".join(f"{cause.part}: {cause.sentence}" for cause in self.causes) or "no cause was named"
        return " ".join((words, *(f"(noted: {note})" for note in self.notes)))


def read(text: str) -> Answer:
    """Read a document; one that is none, or has not the agreed fields, names no cause."""
    try:
        doc = json.loads(text)
        return Answer(
            causes=tuple(_cause(item) for item in doc["causes"]),
            fine=_parts(doc.get("fine")),
            unknown=_parts(doc.get("unseen")),
            notes=tuple(_sentence(item) for item in doc.get("notes") or ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Answer(broken=f"no document ({type(error).__name__}): {' '.join(text.split())[:200]}")


def _cause(item: dict[str, Any]) -> Cause:
    return Cause(
        part=part_of(str(item["part"])),
        sentence=_sentence(item),
        code=str(item.get("code", "")),
        consequences=_parts(item.get("so")),
    )


def _sentence(item: Any) -> str:
    """Return what is said: a text, or an object's field `says` (older: `sentence`)."""
    if isinstance(item, str):
        return item
    return str(item["says"] if "says" in item else item["sentence"])


def _parts(words: Any) -> tuple[str, ...]:
    """Return parts of a list of words, or of objects that each have a part."""
    found = [word.get("part", "") if isinstance(word, dict) else word for word in words or ()]
    return tuple(part_of(str(word)) for word in found)
