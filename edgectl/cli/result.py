"""The result of a command on stdout: sentences for people, or exactly one JSON document for programs.

Owns what is common to all documents: the exit code is in them, and they are printable on any terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from edgectl.cli.options import Format
from edgectl.wire.errors import Exit


def show(output: Format, document: Mapping[str, object], text: str, *, code: int = Exit.OK) -> int:
    """Print a command's result in the wanted form; returns its exit code."""
    write_document({**document, "exit": int(code)}) if output is Format.JSON else sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return int(code)


def write_document(document: Mapping[str, object]) -> None:
    """Write one JSON document; where stdout has no Unicode, with escapes."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=plain) + "\n")
    sys.stdout.flush()
