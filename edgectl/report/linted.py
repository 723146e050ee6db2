"""What is wrong with many stores, for people and programs.

Owns its form. Must not know what is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from edgectl.control.policy.lint import Lint
from edgectl.report.words import count

_NAMED = 5  # stores that are named


def document(found: Lint) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "looked": found.looked,
        "errors": found.errors,
        "found": [asdict(one) for one in found.said],
        "off": found.off,
    }


def lines(found: Lint, *, verbose: bool) -> Iterator[str]:
    """Yield errors first, then warnings, then what is excused (`verbose`: with all stores' names)."""
    for one in sorted(found.said, key=lambda one: (bool(one.excused), one.severity != "error")):
        word = "excused" if one.excused else one.severity
        yield f"{word:<8}  {one.line}"
        if one.excused:
            yield f"          {one.excused}"
        if found.looked > 1:
            yield f"          in {_names(one.stores, found.looked, verbose=verbose)}"
    for rule, stores in sorted(found.off.items()):
        yield f"off       {rule}, in {_names(stores, found.looked, verbose=verbose)}"
    warnings = sum(one.severity == "warning" and not one.excused for one in found.said)
    excused = sum(bool(one.excused) for one in found.said)
    parts = [count(found.errors, "error"), *([count(warnings, "warning")] if warnings else [])]
    parts += [f"{excused} excused"] if excused else []
    yield f"{count(found.looked, 'store')}: {', '.join(parts) if found.said else 'nothing is wrong'}"


def _names(stores: Sequence[str], looked: int, *, verbose: bool) -> str:
    if len(stores) == looked and not verbose:
        return f"all {looked} stores"
    shown = stores if verbose else stores[:_NAMED]
    return ", ".join(shown) + (f" and {len(stores) - len(shown)} more" if len(stores) > len(shown) else "")
