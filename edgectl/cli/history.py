"""`edgectl history`: what a store was given, what became of it, and why."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, NodeName, Output, StoreName, Verbose

_EPILOG = """\b
Examples:
  edgectl history store-042
  edgectl history store-042 -o json

The node itself keeps this: the last 20 sequences, and all that run or ran
before. What each run did is in `edgectl journal`."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("history", epilog=_EPILOG)(history)


def history(
    store: StoreName,
    node: NodeName = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a store was given, what became of it, and why."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.deploy.look import ask
    from edgectl.report.history import told

    found = stores.find(store, inventory)
    with stores.speaking_of(found.name):
        rows = ask(stores.door(found, node=node, verbose=verbose).open, "history")["slots"]
    return show(output, {"store": found.name, "slots": rows}, told(found.name, rows))
