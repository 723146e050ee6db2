"""`edgectl plan`: what a deploy would change, and what it would send."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

if TYPE_CHECKING:
    from edgectl.control.deploy.look import Seen

_EPILOG = """\b
Examples:
  edgectl plan store-042
  edgectl plan store-042 --exit-code     (0 nothing to do, 10 changes pending)
  edgectl plan store-042 -v              (what is as declared, too)

Writes nothing on the node but its own engine. What a later step would do can
be seen only when the earlier ones are done: such steps are listed as waiting.
Exit 5 when something is wrong that no change of a deploy would mend."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog=_EPILOG)(plan)


def plan(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when changes are pending.")] = False,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a deploy would change and send; change nothing."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door, Early, doors
    from edgectl.cli.result import show
    from edgectl.cli.signed import signed
    from edgectl.control.deploy.caps import Forecast
    from edgectl.control.deploy.everywhere import everywhere, together
    from edgectl.control.deploy.look import plan as look
    from edgectl.report.looked import planned
    from edgectl.report.terminal import Terminal

    engine = stores.runtime()
    early = Early(inventory, store, engine, verbose=verbose)
    door: Door | None = None
    try:
        found = stores.find(store, inventory, early.source)
        store = found.name
        others = doors(found.followers, engine, verbose=verbose)
        door = early.door(found.lead)
        rendered = stores.render(found)
        offer = stores.offer(found, rendered, engine, inventory=inventory)
        terminal = Terminal(verbose=verbose, quiet=not verbose)
        data = rendered.payload.encode()
        offer = signed(offer, found, engine_bytes=len(engine.tar), payload=data)

        def look_at(name: str) -> Callable[[], Seen]:
            given = stores.for_node(offer, rendered, name)
            return lambda: look(given, data, others[name].open, Terminal(quiet=True))

        with stores.speaking_of(store):
            seen = look(offer, data, door.open, terminal)
            seen = together(seen, everywhere({name: look_at(name) for name in others}))
    finally:
        (early if door is None else door).close()
    code = seen.exit
    if code == Exit.PENDING and not exit_code:
        code = Exit.OK
    head = stores.header(found, offer.commit, offer.summary)
    forecast = stores.caps(found).forecast(seen.missing_bytes) if seen.missing_bytes else Forecast()
    document = {
        "store": store,
        "payload": offer.payload,
        "pending": seen.exit == Exit.PENDING,
        **seen.document(forecast),
    }
    return show(output, document, f"{head}\n{planned(store, seen, sum(offer.blobs.values()), forecast)}", code=code)
