"""The memory's own count of its errors, where the machine keeps one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, WARN, Finding


def judge(facts: Facts) -> Iterator[Finding]:
    """Yield what there is to say."""
    banks = [line.split() for line in facts.all("edac")]
    if not banks:
        yield Finding("memory-errors", OK, "memory errors are not counted by this machine")
    for bank, *counts in banks:
        mended, lost = (int(word) if word.isdecimal() else 0 for word in (*counts, "0", "0")[:2])
        if lost:
            hint = "replace the module: edac-util -v or the machine's own log says which"
            yield Finding("memory-errors", WARN, f"{bank} has lost data {lost} times (uncorrected errors)", hint)
        elif mended:
            hint = "it still works; a number that grows announces a dead module"
            yield Finding("memory-errors", WARN, f"{bank} has corrected {mended} errors", hint)
        else:
            yield Finding("memory-errors", OK, f"{bank}: no errors")
