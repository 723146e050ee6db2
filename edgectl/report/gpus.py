"""A store's GPUs, as all of its nodes see them: the text and the document of `edgectl gpu`. Pure.

Owns: what the nodes' words make of the store's, a node that could not be asked included. What a node says of itself is
its own (wire/gputext.py).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.report.advice import for_error
from edgectl.wire.document import to_json
from edgectl.wire.errors import EdgectlError, Exit, Unreachable
from edgectl.wire.gpu import GpuLook
from edgectl.wire.gputext import COLUMNS, line, lines, next_of
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN

Answers = Mapping[str, GpuLook | EdgectlError]
_WORST_FIRST = (NOT_READY, UNKNOWN, DEGRADED, READY)


@dataclass(frozen=True, slots=True)
class Came:
    """What a store's GPUs have come to: its word, exit code and sentence, and the node that it is about."""

    word: str
    exit: int
    reason: str
    node: str


def verdict(answers: Answers) -> Came:
    """Judge a store by its nodes: the worst one's word. Where no node could be asked, raises what stands against it.

    A node that cannot be reached may serve: the others' GPUs are degraded by it, not gone.
    """
    if all(isinstance(answer, EdgectlError) for answer in answers.values()):
        raise next(answer for answer in answers.values() if isinstance(answer, EdgectlError))
    words = {name: _word(answer) for name, answer in answers.items()}
    worst = min(words, key=lambda name: _WORST_FIRST.index(words[name]))
    answer, word = answers[worst], words[worst]
    reason = answer.message if isinstance(answer, EdgectlError) else answer.why
    if word == READY:
        ready = sum(len(look.ready) for look in answers.values() if isinstance(look, GpuLook))
        count = sum(look.count for look in answers.values() if isinstance(look, GpuLook))
        return Came(READY, int(Exit.OK), f"{ready} of {count} GPUs ready in this boot", worst)
    code = Exit.DEGRADED if word == DEGRADED else Exit.NOT_READY
    return Came(word, int(code), reason if len(answers) == 1 else f"{worst}: {reason}", worst)


def document(store: str, came: Came, answers: Answers) -> dict[str, Any]:
    """Return it for `--output json`: each node's look, or what stands against it."""
    nodes = {
        name: answer.to_json() if isinstance(answer, EdgectlError) else to_json(answer)
        for name, answer in answers.items()
    }
    return {"store": store, "word": came.word, "reason": came.reason, "nodes": nodes}


def standing(store: str, came: Came, answers: Answers, *, verbose: bool = False) -> str:
    """Say it: the store, each node, each card, and what to do next."""
    said = textwrap.wrap(
        f"{store} is {came.word.upper()}: {came.reason}", COLUMNS, subsequent_indent="  ", break_on_hyphens=False
    )
    for name, answer in answers.items():
        if isinstance(answer, EdgectlError):
            said += line(UNKNOWN, name, answer.message)
            continue
        if len(answers) > 1:
            said += textwrap.wrap(
                f"{name} is {answer.word}: {answer.why}", COLUMNS, subsequent_indent="  ", break_on_hyphens=False
            )
        said += lines(answer, verbose=verbose)
    worst = answers[came.node]
    if isinstance(worst, EdgectlError):
        todo = for_error(worst)
    else:
        todo = next_of(worst, there=f"edgectl ssh {store} --node {came.node} -- ")
    if todo:
        said += textwrap.wrap(
            todo, COLUMNS, initial_indent="  next      ", subsequent_indent=" " * 12, break_on_hyphens=False
        )
    return "\n".join(said)


def _word(answer: GpuLook | EdgectlError) -> str:
    if isinstance(answer, Unreachable):
        return DEGRADED
    return NOT_READY if isinstance(answer, EdgectlError) else answer.word
