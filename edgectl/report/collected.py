"""What `edgectl collect` has brought, in lines and as a document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgectl.control.collect.collect import Collected
from edgectl.report.words import count, duration, size
from edgectl.wire.errors import EdgectlError

Answers = Mapping[str, Collected | EdgectlError]  # by STORE/NODE
_NOUNS = {"beat": "beat", "verdict": "verdict", "journal": "journal"}


def lines(root: Path, answers: Answers) -> Iterator[str]:
    """Yield a line for each node, those that could not be asked last."""
    wide = max(map(len, answers), default=0)
    for where, answer in answers.items():
        if isinstance(answer, Collected):
            yield f"{where:<{wide}}  {_stands(answer.newest)}  {_new(answer)}"
    for where, answer in answers.items():
        if isinstance(answer, EdgectlError):
            yield f"{where:<{wide}}  not asked: {answer.message}"
    if any(isinstance(answer, EdgectlError) for answer in answers.values()):
        yield "  next      run the same command again when they can be asked; what is here is not sent again"
    yield f"the record is in {root}"


def document(root: Path, answers: Answers) -> dict[str, Any]:
    """Return it for programs."""
    return {
        "to": str(root),
        "nodes": {
            where: {"new": answer.new, "audit": answer.audit, "link_bytes": answer.link_bytes, "newest": answer.newest}
            for where, answer in answers.items()
            if isinstance(answer, Collected)
        },
        "unreached": {where: answer.message for where, answer in answers.items() if isinstance(answer, EdgectlError)},
    }


def _stands(beat: Mapping[str, Any]) -> str:
    if "word" not in beat:
        return "has told nothing yet" if not beat else "tells in a newer form"
    why = f" ({beat['why']})" if beat.get("why") else ""
    return f"{beat['word']}{why} for {duration(float(beat.get('for', 0)))} at its last beat"


def _new(answer: Collected) -> str:
    found = [count(answer.new[kind], noun) for kind, noun in _NOUNS.items() if answer.new.get(kind)]
    found += [f"{count(answer.audit, 'line')} of audit"] if answer.audit else []
    return f"{', '.join(found) or 'nothing'} new ({size(answer.link_bytes)})"
