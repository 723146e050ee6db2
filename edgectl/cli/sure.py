"""Somebody who sees what will go types the store's name once more, before it does."""

from __future__ import annotations

import sys

from edgectl.wire.errors import UsageError


def sure(store: str, warning: str, *, unasked: str, hint: str) -> None:
    """Ask; UsageError where nobody is there to answer (`unasked`, `hint`), or the answer is another."""
    if not sys.stdin.isatty():
        raise UsageError(f"{store} is not {unasked} unasked", hint=hint)
    sys.stderr.write(f"{store}: {warning}\n  Type the store's name to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != store:
        raise UsageError("that was not its name", hint="nothing was changed")
