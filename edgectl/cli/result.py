"""The result of a command on stdout: sentences for people, or exactly one JSON document for programs.

Owns what is common to all documents: the exit code is in them, and they are printable on any terminal. And that a
reader who has had enough changes nothing of what a command came to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgectl.cli.options import Format
from edgectl.wire.errors import Exit

FORMAT = 1  # of all documents: docs/schemas

if TYPE_CHECKING:
    from edgectl.control.payload.kept import Said


def show(output: Format, document: Mapping[str, object], text: str, *, code: int = Exit.OK) -> int:
    """Print a command's result in the wanted form; returns its exit code."""
    write_document({**document, "exit": int(code)}) if output is Format.JSON else tell(text + "\n")
    return int(code)


def tell(text: str) -> bool:
    """Write on stdout, now; returns whether somebody reads there: without a reader nothing goes wrong."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # what is left in the buffer is `main`'s to drop
        return False
    return True


def remark(asked: str, said: Said) -> None:
    """Say on stderr that rules have something to say of what may be sent, and where it is told."""
    from edgectl.report.words import remarks

    if line := remarks(asked, said.warnings, said.excused):
        sys.stderr.write(line + "\n")


def write_document(document: Mapping[str, object]) -> None:
    """Write one JSON document; where stdout has no Unicode, with escapes."""
    document = {**document, "format": FORMAT}
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    tell(json.dumps(document, indent=2, ensure_ascii=plain) + "\n")
