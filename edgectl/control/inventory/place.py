"""Where something stands in the inventory, and what is wrong there.

Owns the form `file:line:column  sentence`. Must not know what the sentence is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.errors import InvalidInput


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong; `sentence` says what, where the place alone does not, and what would be right."""

    place: Place
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}  {self.sentence}"


def invalid(file: Path, findings: Iterable[Finding], *evidence: str) -> InvalidInput:
    """Return the one error that lists all findings, in the order of the file."""
    lines = tuple(str(finding) for finding in sorted(set(findings)))
    count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
    return InvalidInput(
        f"{count} in {file}, nothing was sent",
        hint="Correct the lines below and run the same command again.",
        details=(*lines, *evidence),
        docs="inventory",
    )
