"""The lines that a doctor says: the same at an operator's terminal and at the rack. Pure.

Owns: their layout (80 columns, no Unicode). Must not judge.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from edgectl.wire.diagnosis import Cause, Diagnosis

COLUMNS = 80
_MOST_EVIDENCE = 4
_LONGEST_EVIDENCE = 240
_INDENT = "          "


def lines(found: Diagnosis) -> list[str]:
    """Say the causes by number, then what is not known, then what is fine by name."""
    return list(_lines(found))


def _lines(found: Diagnosis) -> Iterator[str]:
    count = len(found.causes)
    counted = "nothing is wrong" if not count else "one thing is wrong" if count == 1 else f"{count} things are wrong"
    yield f"{found.name} is {found.word.upper()}: {counted} ({found.looked} looked at, {found.seconds:.1f} s)"
    for number, cause in enumerate(found.causes, 1):
        yield from _cause(number, cause)
    for one in found.unseen:
        yield from _labelled("  unknown ", f"{one.part}: {one.why}")
    for note in found.notes:
        yield from _labelled("  note    ", note)
    if found.fine:
        opening = "Everything else is fine: " if count or found.unseen else "All of it is fine: "
        yield from _wrapped(f"{opening}{', '.join(found.fine)}.", "", "  ")
    if count:
        yield "What a code means, and when to call: --explain CODE"


def _cause(number: int, cause: Cause) -> Iterator[str]:
    whose = f"{cause.node}: " if cause.node else ""
    code, head = f"code {cause.code}", f"{number}. "
    said = _wrapped(f"{whose}{cause.says}", head, " " * len(head))
    if len(said[-1]) + 2 + len(code) <= COLUMNS:
        said[-1] = f"{said[-1]:<{COLUMNS - len(code)}}{code}"
    else:
        said.append(f"{'':<{COLUMNS - len(code)}}{code}")
    yield from said
    for at, text in enumerate(cause.evidence[:_MOST_EVIDENCE]):
        yield from _labelled("   seen:  " if not at else _INDENT, text[:_LONGEST_EVIDENCE])
    if cause.do:
        yield from _labelled("   do:    ", cause.do)
    if cause.so:
        yield from _labelled("   so:    ", f"{', '.join(cause.so)} cannot be well, or not be looked at")


def _labelled(label: str, text: str) -> list[str]:
    return _wrapped(text, label, _INDENT)


def _wrapped(text: str, first: str, then: str) -> list[str]:
    clean = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in " ".join(text.split()))
    return textwrap.wrap(
        clean, COLUMNS, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=True
    ) or [first.rstrip()]
