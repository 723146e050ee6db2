"""`edgectl explain`: where each value of a store comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

if TYPE_CHECKING:
    from edgectl.control.inventory.explain import Explained, Said

_EPILOG = """\b
Examples:
  edgectl explain store-042
  edgectl explain store-042 gpu
  edgectl explain store-042 k3s.config.disable
  edgectl explain store-042 nodes.node-1.gpu.count    (as this node has it)
  edgectl explain store-042 releases -v               (long values whole)

Each value stands with its line and layer, and below it what it replaced.
Layers: defaults, profile, groups in their order, store, node. Talks to no
node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", epilog=_EPILOG)(explain)


def explain(
    store: StoreName,
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Keys with dots between; all when left out.")] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show where each value of a store comes from and what it replaced."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.inventory.explain import explain as explained
    from edgectl.report.explained import lines

    opened, name = stores.one(store, inventory)
    found = explained(opened, name, path)
    return show(
        output, {"store": name, "values": [_document(one) for one in found]}, "\n".join(lines(found, whole=verbose))
    )


def _document(one: Explained) -> dict[str, Any]:
    return {"path": one.path, **_said(one.said), "over": [_said(said) for said in one.over]}


def _said(said: Said) -> dict[str, Any]:
    place = said.place
    at = {"file": place.file, "line": place.line, "column": place.column} if place else {}
    return {"value": said.value, "layer": said.layer, **at}
