"""`edgectl chain`: a store's chain from the GPU to the sink, and the first link upstream that is broken."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

_EPILOG = """\b
Examples:
  edgectl chain store-042
  edgectl chain store-042 -o json
  edgectl ssh store-042 -- edgectl-node chain      (the same, at the rack)

\b
Exit codes:
  0 ready    9 degraded: it sells, with something missing    5 not ready
  4 the node could not be asked"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chain", epilog=_EPILOG)(chain)


def chain(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Draw the chain from GPU to sink, and say where it is broken."""
    from edgectl.cli import store as stores
    from edgectl.cli.colour import coloured
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.result import show
    from edgectl.control.deploy.look import chain as look_at
    from edgectl.report.chains import document, drawing

    found = stores.find(store, inventory)
    door = doors_of((found.lead,), stores.runtime(), verbose=verbose)[found.lead.name]
    with stores.speaking_of(found.name):
        seen = look_at(door.open)
    text = drawing(found.name, seen, colour=coloured())
    return show(output, document(found.name, seen), text, code=seen.exit)
