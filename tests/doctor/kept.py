"""Answers kept in a folder, so that the exam can be taken in parts and marked again. Must not know what is right."""

from __future__ import annotations

import json
from pathlib import Path

from tests.doctor.exam import Asked
from tests.doctor.fault import Question


def keep(folder: Path, asked: Asked) -> None:
    """Keep an answer as it came; a later one to the same question takes its place."""
    folder.mkdir(parents=True, exist_ok=True)
    doc = {
        "name": asked.question.name,
        "text": asked.text,
        "showed": asked.showed,
        "mended": asked.mended,
        "after": asked.after,
    }
    _file(folder, asked.question).write_text(json.dumps(doc))


def kept(folder: Path, question: Question) -> Asked | None:
    """Return the answer to a question, or None."""
    try:
        doc = json.loads(_file(folder, question).read_text())
    except FileNotFoundError:
        return None
    return Asked(question, doc["text"], doc["showed"], doc["mended"], doc.get("after", ""))


def _file(folder: Path, question: Question) -> Path:
    return folder / f"{question.name.replace(' ', '_')}.json"
