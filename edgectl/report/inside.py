"""Tables of what is inside a store: events and verdicts, pods. Pure.

Owns their layout. What stands in them was made printable where it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgectl.control.inside.events import Row
    from edgectl.control.inside.pods import Pod

HEAD = f"{'WHEN (UTC)':<19}  {'WHAT':<9}  ABOUT"


def event(row: Row) -> str:
    """Say one thing that happened, on two lines."""
    many = f"  ({row.count} times)" if row.count > 1 else ""
    said = f"{row.reason}: {row.message}" if row.reason else row.message
    return f"{row.time.rstrip('Z').replace('T', ' '):<19}  {row.word:<9}  {row.about}{many}\n{'':<21}{said}".rstrip()


def events(store: str, rows: Sequence[Row]) -> str:
    """Say all of them, oldest first."""
    return "\n".join((HEAD, *map(event, rows))) if rows else f"{store}: nothing has happened in that time"


def pods(store: str, found: Iterable[Pod]) -> str:
    """List what can be asked for logs."""
    rows = [("WORKLOAD", "POD", "STATE", "RESTARTS", "CONTAINERS")]
    rows += [
        (f"{one.namespace}/{one.workload}", one.name, one.phase, str(one.restarts), " ".join(one.containers))
        for one in found
    ]
    if len(rows) == 1:
        return f"{store} has no pods"
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1])) for row in rows
    )
