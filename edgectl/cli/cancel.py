"""`edgectl cancel`: drop what is being deployed."""

from __future__ import annotations

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """\b
Examples:
  edgectl cancel store-042

It ends between two steps, never within one, and puts back what ran before. A
store's first deploy has nothing before it: it only stops, until the next
deploy or boot.

\b
Exit codes:
  0 nothing is being deployed (any more)    5 what ran before is not ready"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel", epilog=_EPILOG)(cancel)


def cancel(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """End a running deploy between two steps, and go back."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.audit.own import audited
    from edgectl.control.deploy.look import cancel as ask_it
    from edgectl.control.deploy.operator import sender
    from edgectl.report.sentence import cancelled

    who = sender()
    found = stores.find(store, inventory)
    with stores.speaking_of(found.name), audited(found.name, "cancel"):
        last = ask_it(stores.door(found, verbose=verbose).open, f"{who.user}@{who.host}")
    text, fine = cancelled(found.name, last)
    return show(output, {"store": found.name, "verdict": last}, text, code=Exit.OK if fine else Exit.NOT_READY)
