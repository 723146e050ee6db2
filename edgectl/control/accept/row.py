"""A row of an acceptance: what was wanted, what was measured, and in how many seconds.

Owns: the four words, and that what goes wrong while a row is tried is the row's failure and hides no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.wire.errors import EdgectlError, Exit

OK, FAILED, STOOD_IN, NOT_ASKED = WORDS = ("ok", "failed", "stood in", "not asked")
_MOST = 20  # lines of evidence


@dataclass(frozen=True, slots=True)
class Row:
    """`why` says what stood in, or why it was not asked; `exit` is the code of a failed one."""

    id: str
    part: str
    title: str
    wanted: str
    measured: str = ""
    word: str = OK
    why: str = ""
    seconds: float = 0.0
    evidence: tuple[str, ...] = ()
    exit: int = 0


def not_asked(row: Row, why: str) -> Row:
    """Return a row that nobody has tried."""
    return replace(row, word=NOT_ASKED, why=why)


def failed(row: Row, measured: str, *evidence: str, code: int = Exit.NOT_READY) -> Row:
    """Return a row whose law is broken."""
    return replace(row, word=FAILED, measured=measured, evidence=evidence[:_MOST], exit=int(code))


def tried(row: Row, do: Callable[[Row], Row], *, clock: Callable[[], float] = time.monotonic) -> Row:
    """Try one row, timed; an error is its failure."""
    began = clock()
    try:
        found = do(row)
    except EdgectlError as error:
        hint = (f"hint: {error.hint}",) if error.hint else ()
        found = failed(row, error.message, *hint, *error.details, code=error.exit)
    return replace(found, seconds=found.seconds or round(clock() - began, 1))


def code_of(rows: tuple[Row, ...]) -> int:
    """Return the exit code: that of the first row that failed; where nothing was tried, nothing has passed."""
    if not any(row.word in {OK, STOOD_IN, FAILED} for row in rows):
        return int(Exit.NOT_READY)
    return next((row.exit or int(Exit.NOT_READY) for row in rows if row.word == FAILED), int(Exit.OK))
