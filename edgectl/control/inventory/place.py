"""Where something stands in the inventory, and what is wrong there.

Owns the form `file:line:column  sentence`, with the line itself below. Must not know what the sentence is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from edgectl.wire.errors import InvalidInput

_SECRET = re.compile(r"(?i)pass|pwd|psk|token|secret|credential|auth|api.?key|access.?key|private.?key|:\S*@")
_QUOTED = 100  # characters of a line


class Place(NamedTuple):
    """A position in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong; `sentence` says what, where the place alone does not, and what would be right.

    `secret`: what stands there may be one, so that the line is not shown.
    """

    place: Place
    sentence: str
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.place}  {self.sentence}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?`, or nothing where no known name is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


_CORRECT = "Correct these lines and run the same command again."


def invalid(file: Path, findings: Iterable[Finding], *evidence: str, hint: str = _CORRECT) -> InvalidInput:
    """Return the one error that lists all findings, in the order of the file, each with its line."""
    found = sorted(set(findings))
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return InvalidInput(
        f"{count} in {file}, nothing was sent",
        hint=hint,
        details=(*_lines(found), *evidence),
        docs="inventory",
    )


def _lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yield each finding, and below it the line where it stands; no line that may hold a secret."""
    files: dict[str, list[str]] = {}
    kept_back = {finding.place[:2] for finding in found if finding.secret}
    for finding, behind in zip_longest(found, found[1:]):
        yield str(finding)
        place = finding.place
        if place[:2] in kept_back or (behind is not None and behind.place[:2] == place[:2]):
            continue
        if place.file not in files:
            files[place.file] = _text(Path(place.file)).splitlines()
        lines = files[place.file]
        text = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
        if text and not _SECRET.search(text):
            text = text if len(text) <= _QUOTED else text[: _QUOTED - 3] + "..."
            yield f"{place.line:>8} | {text.translate(_SHOWN)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


_SHOWN = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), "?")  # nothing that moves a cursor
