"""`edgectl gpu`: a store's GPUs, from the driver up to the pod that holds them, and why each is ready or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName
from edgectl.wire.errors import UsageError

if TYPE_CHECKING:
    from edgectl.control.inventory.store import NodeTarget, Store
    from edgectl.wire.gpu import GpuLook

_EPILOG = """\b
Examples:
  edgectl gpu store-042
  edgectl gpu store-042 --node node-2
  edgectl gpu store-042 -v           (what is fine, too: driver, uvm, toolkit)
  edgectl gpu store-042 -o json
  edgectl ssh store-042 -- edgectl-node gpu      (the same, at the rack)

\b
Exit codes:
  0 ready    9 fewer than declared, as many as required    5 not ready
  4 no node with GPUs could be asked"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gpu", epilog=_EPILOG)(gpu)


def gpu(
    store: StoreName,
    node: Annotated[str, typer.Option("--node", metavar="NAME", help="One node alone; all that have GPUs else.")] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what is fine, too.")] = False,
) -> int:
    """Show each GPU of a store, why it is ready or not, who holds it."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.result import show
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.deploy.look import gpus
    from edgectl.report.gpus import document, standing, verdict

    found = stores.find(store, inventory)
    store = found.name
    doors = doors_of(_asked(found, node), stores.runtime(), verbose=verbose)

    def look_at(name: str) -> Callable[[], GpuLook]:
        return lambda: gpus(doors[name].open)

    with stores.speaking_of(store):
        answers = everywhere({name: look_at(name) for name in doors})
        came = verdict(answers)
    return show(output, document(store, came, answers), standing(store, came, answers, verbose=verbose), code=came.exit)


def _asked(store: Store, node: str) -> tuple[NodeTarget, ...]:
    """Return the nodes that are asked; UsageError when none of them has a GPU."""
    from edgectl.cli.store import node_of

    nodes = (node_of(store, node),) if node else store.nodes
    if asked := tuple(one for one in nodes if one.gpu is not None):
        return asked
    names = ", ".join(one.name for one in store.nodes if one.gpu is not None)
    raise UsageError(
        f"{node} has no GPU in the inventory" if node else f"no node of {store.name} has a GPU in the inventory",
        hint=f"{names} has" if names else f"declare it (hardware: or gpu:), then edgectl deploy {store.name}",
    )
