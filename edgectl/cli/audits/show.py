"""`edgectl audit show`: who asked what, and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.audits.found import Collected
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import UsageError

_EPILOG = """\b
Examples:
  edgectl audit show store-042
  edgectl audit show group:eu --since 7d
  edgectl audit show store-042 --since 2026-11-01 -o json

What its nodes tell is as of the last `edgectl collect`; what was asked from
this machine is `here`. How a node knows who has come stands in brackets
(docs/audit.md). Whether a line can be believed: edgectl audit verify."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=_EPILOG)(show)


def show(
    selector: Selector = "*",
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="Only what is newer: 2h, 7d, or a date (2026-11-01).")
    ] = "",
    collected: Collected = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show who asked what of stores, and what came of it."""
    del verbose
    from edgectl.cli.audits.found import found
    from edgectl.cli.result import show as write
    from edgectl.report.audited import document, lines

    begins = _begins(since)
    rows = [
        {"store": store, "side": side.name, **record}
        for store, sides in found(selector, inventory, collected).items()
        for side in sides
        for record in side.checked.records
        if str(record.get("time", "")) >= begins
    ]
    rows.sort(key=lambda row: (row["store"], str(row.get("time", "")), row["n"]))
    return write(output, {"rows": document(rows)}, "\n".join(lines(rows)))


def _begins(since: str) -> str:
    """Return the time from which on lines are shown, as they write it."""
    from datetime import UTC, datetime, timedelta

    from edgectl.wire.length import seconds

    if not since:
        return ""
    try:
        return (datetime.now(UTC) - timedelta(seconds=seconds(since))).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        pass
    try:
        when = datetime.fromisoformat(since)
    except ValueError as error:
        raise UsageError(f"--since {since} is no time", hint="for example: --since 2h, 7d, 2026-11-01") from error
    return when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC).isoformat(timespec="milliseconds")
