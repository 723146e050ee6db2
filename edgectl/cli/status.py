"""`edgectl status`: what the store runs, and whether it is as declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError, Exit

if TYPE_CHECKING:
    from edgectl.control.deploy.look import Seen

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
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.result import show
    from edgectl.control.deploy.everywhere import everywhere, together
    from edgectl.control.deploy.look import status as look
    from edgectl.report.looked import standing
    from edgectl.report.terminal import Terminal

    found = stores.find(store, inventory)
    store = found.name
    doors = doors_of(found.nodes, stores.runtime(), verbose=verbose)

    def look_at(name: str) -> Callable[[], Seen]:
        leads = name == found.lead.name
        return lambda: look(doors[name].open, Terminal(verbose=verbose, quiet=not verbose or not leads))

    with stores.speaking_of(store):
        answers = everywhere({name: look_at(name) for name in doors})
        lead = answers.pop(found.lead.name)
        if isinstance(lead, EdgectlError):
            raise lead
        seen = together(lead, answers)
    code = int(seen.verdict.get("exit", Exit.NOT_READY))
    return show(output, {"store": store, **seen.document()}, standing(store, seen), code=code)
