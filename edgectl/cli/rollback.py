"""`edgectl rollback`: a new sequence that names old content."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose

_EPILOG = """\b
Examples:
  edgectl rollback store-042
  edgectl rollback store-042 --to 6        (a sequence of `edgectl history`)

It is a deploy like any other, of what the node still holds: judged by the
same gates, under a new sequence. Nothing is sent. Volumes and CRDs stay. The
inventory still says what you have gone back from: correct it, or the next
deploy brings it again.

\b
Exit codes: those of `edgectl deploy`; 11 when the node cannot go back to it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rollback", epilog=_EPILOG)(rollback)


def rollback(
    store: StoreName,
    to: Annotated[int, typer.Option("--to", metavar="SEQ", help="A sequence of `edgectl history`.")] = 0,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Go back to what a store ran before."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door, doors
    from edgectl.cli.press import press
    from edgectl.cli.signed import signed
    from edgectl.control.deploy.look import ask
    from edgectl.control.deploy.operator import sender
    from edgectl.control.deploy.rollback import offer_of, runs, target

    found = stores.find(store, inventory)
    store = found.name
    stores.permitted(found)
    engine = stores.runtime()
    others = doors(found.followers, engine, verbose=verbose)
    door = Door(found.lead.name, found.lead.ssh, engine, verbose=verbose)
    with stores.speaking_of(store):
        rows = ask(door.open, "history")["slots"]
        row = target(rows, to)
        offer = signed(replace(offer_of(row, sender(), upon=runs(rows)), asked={"what": "rollback"}), found)
        followers = {name: (replace(offer, node=name, upon=None), other) for name, other in others.items()}
        return press(offer, door, followers, head=f"{store}  {offer.summary}", output=output, verbose=verbose)
