"""`edgectl status`: what the store runs, and whether it is as declared."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """\b
Examples:
  edgectl status store-042
  edgectl status store-042 -v        (every step, not only what is wrong)
  edgectl status store-042 -o json

\b
Exit codes:
  0 ready    9 it serves, with something missing    5 not ready
  10 changed by hand and not yet put back    4 the node could not be asked"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EPILOG)(status)


def status(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a store runs, and whether it is as deployed."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.deploy.look import status as look
    from edgectl.report.looked import standing
    from edgectl.report.terminal import Terminal

    door = stores.door(store, inventory, verbose=verbose)
    with stores.speaking_of(store):
        seen = look(door.open, Terminal(verbose=verbose, quiet=not verbose))
    code = int(seen.verdict.get("exit", Exit.NOT_READY))
    return show(output, {"store": store, **seen.document()}, standing(store, seen), code=code)
