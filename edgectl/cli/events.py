"""`edgectl events`: what Kubernetes and the engine say happened in a store, in one table."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import UsageError

_EPILOG = """\b
Examples:
  edgectl events store-042
  edgectl events store-042 --since 30m
  edgectl events store-042 --follow          (until Ctrl-C)
  edgectl events store-042 -o json

Times are the node's. A line says Normal or Warning where Kubernetes says it,
and ready, degraded ... where a run of the engine has ended."""
_TUNNEL_SECONDS = 4 * 3600.0
_ONCE_SECONDS = 600.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("events", epilog=_EPILOG)(events)


def events(
    store: StoreName,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Not older than: 30m, 2h, 1d.")] = "",
    tail: Annotated[int, typer.Option("--tail", metavar="N", help="The newest N.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those that come.")] = False,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what Kubernetes and the engine say happened in a store."""
    from edgectl.cli.result import show, tell
    from edgectl.cli.tunnel import ended_by_signals, length, opened
    from edgectl.report.inside import event
    from edgectl.report.inside import events as table

    need_text(output, follow=follow)
    if tail < 1:
        raise UsageError(f"--tail {tail}: one at least")
    back = length(since, "--since") if since else None
    seconds = _TUNNEL_SECONDS if follow else _ONCE_SECONDS
    with ended_by_signals(), opened(store, inventory, seconds, verbose=verbose) as there:
        from edgectl.control.inside.asked import Asking
        from edgectl.control.inside.events import Events

        asked = Events(Asking(there), most=tail, since=back)
        rows = asked.newest()
        text = table(store, rows)
        if not follow:
            return show(output, {"store": store, "events": [asdict(row) for row in rows]}, text)
        with suppress(KeyboardInterrupt):
            is_read = tell(text + "\n")
            for more in asked.coming() if is_read else ():
                if not tell("".join(f"{event(row)}\n" for row in more)):
                    break
        return 0


def need_text(output: Format, *, follow: bool) -> None:
    """Raise UsageError where one document is asked for of what has no end."""
    if follow and output is Format.JSON:
        raise UsageError("what is followed has no end, and is no document", hint="leave out --follow, or -o json")
