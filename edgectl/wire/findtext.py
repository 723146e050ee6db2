"""The lines that say what was found on a machine: the same at an operator's terminal and at the rack. Pure.

Owns: their layout (80 columns, no colour, no Unicode), their order, and what a machine's findings come to.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from edgectl.wire.errors import Exit
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.verdict import NOT_READY, READY

COLUMNS = 80
_WORD, _ABOUT = 10, 20
_WORST_FIRST = (STOP, UNKNOWN, WARN, OK)
_FINE = "fine"


def word_of(found: Iterable[Finding]) -> str:
    """Return what they come to: what stops a deploy, or could not be looked at, is never fine."""
    words = {one.word for one in found}
    return NOT_READY if STOP in words else UNKNOWN if UNKNOWN in words else READY


def exit_of(word: str) -> Exit:
    """Return the exit code of that."""
    return Exit.OK if word == READY else Exit.NOT_READY


def counted(found: Sequence[Finding]) -> str:
    """Say how many there are of each: `2 stop a deploy, 1 to see to (31 looked at)`."""
    said = {STOP: "would stop a deploy", UNKNOWN: "could not be looked at", WARN: "to see to"}
    parts = [f"{number} {said[word]}" for word in _WORST_FIRST[:-1] if (number := _number(found, word))]
    return f"{', '.join(parts) or 'nothing stands in the way of a deploy'} ({len(found)} looked at)"


def lines(found: Sequence[Finding], *, verbose: bool = False) -> list[str]:
    """Say what is fine in one line, then the others, worst first. `verbose`: each that is fine, and evidence."""
    fine = list(dict.fromkeys(one.about.partition("-")[0] for one in found if one.word == OK))
    wrong = {one.about.partition("-")[0] for one in found if one.word != OK}
    said: list[str] = []
    if not verbose and (whole := [name for name in fine if name not in wrong]):
        said += _wrapped(_FINE, "", ", ".join(whole))
    for one in sorted(found, key=lambda one: _WORST_FIRST.index(one.word)):
        if one.word == OK and not verbose:
            continue
        said += _wrapped(one.word, one.about, one.reason)
        said += [line for text in (one.evidence if verbose else ()) for line in _below(text)]
        said += _below(f"-> {one.hint}") if one.hint else []
    return said


def _number(found: Iterable[Finding], word: str) -> int:
    return sum(one.word == word for one in found)


def _wrapped(word: str, about: str, text: str) -> list[str]:
    head = f"  {word:<{_WORD}}" + (f"{about:<{_ABOUT}} " if about else "")
    return textwrap.wrap(
        text, COLUMNS, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    ) or [head.rstrip()]


def _below(text: str) -> list[str]:
    indent = " " * (2 + _WORD)
    return textwrap.wrap(text, COLUMNS, initial_indent=indent, subsequent_indent=f"{indent}   ", break_on_hyphens=False)
