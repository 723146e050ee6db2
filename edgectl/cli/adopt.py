"""`edgectl adopt`: what was changed by hand, as lines for the inventory."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

_EPILOG = """\b
Examples:
  edgectl adopt store-042
  edgectl adopt store-042 > patch.yaml
  edgectl adopt store-042 -o json

Nothing is changed, here or on the node. Put the lines into the inventory and
deploy; else the node puts back what is declared, within minutes (edgectl
pause holds it). A value is proposed only when the chart, rendered with it,
gives exactly what runs."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adopt", epilog=_EPILOG)(adopt)


def adopt(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Propose inventory lines for what was changed by hand."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door
    from edgectl.cli.result import show
    from edgectl.control.deploy.look import ask
    from edgectl.control.deploy.look import status as look
    from edgectl.control.payload.adopt import adopt as propose
    from edgectl.control.payload.adopt import charts
    from edgectl.control.payload.render import bundle_of
    from edgectl.report.adopted import proposed
    from edgectl.report.terminal import Terminal

    found = stores.find(store, inventory)
    store = found.name
    door = Door(found.lead.name, found.lead.ssh, stores.runtime(), verbose=verbose)
    with stores.speaking_of(store):
        seen = look(door.open, Terminal(verbose=verbose, quiet=not verbose))
        paths = [
            row[0] for item in seen.events if item.get("step") == "host-files" for row in item.get("differences", ())
        ]
        texts = ask(door.open, "texts", paths=paths)["texts"] if paths else {}
    patch, left = propose(found, seen.events, texts, charts(found, bundle_of(found)))
    document = {
        "store": store,
        "patch": {"stores": {store: patch}} if patch else {},
        "left": [{"field": item.field, "have": item.have, "want": item.want, "why": item.why} for item in left],
    }
    return show(output, document, proposed(store, patch, left))
