"""`edgectl plan`: what a deploy would change, and what it would send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.fleet.several import All, AtOnce, Showing, Stores, is_several, which
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose
from edgectl.cli.reports import Comment, Junit, Reports

if TYPE_CHECKING:
    from edgectl.control.deploy.look import Seen

_EPILOG = """\b
Examples:
  edgectl plan store-042
  edgectl plan store-042 --exit-code     (0 nothing to do, 10 changes pending)
  edgectl plan store-042 --comment plan.md    (for a merge request)
  edgectl plan store-042 -v              (what is as declared, too)
  edgectl plan group:pilot               (several at once: docs/many.md)

Writes nothing on the node but its own engine. What a later step would do can
be seen only when the earlier ones are done: such steps are listed as waiting.
Exit 5 when something is wrong that no change of a deploy would mend. Of several
stores: 8 when that is so of some, or some were not reached."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog=_EPILOG)(plan)


def plan(
    store: Stores = "",
    *,
    every: All = False,
    at_once: AtOnce = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when changes are pending.")] = False,
    junit: Junit = None,
    comment: Comment = None,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a deploy would change and send; change nothing."""
    selector = which("plan", store, every=every)
    with Reports("plan", selector, junit, comment) as reports:
        if not is_several(selector):
            return _plan(selector, inventory, reports, exit_code=exit_code, output=output, verbose=verbose)
        from edgectl.cli.fleet.look import plans

        showing = Showing(at_once, output, verbose, [reports.of_all])
        return plans(selector, inventory, showing, exit_code=exit_code)


def _plan(store: str, inventory: Path, reports: Reports, *, exit_code: bool, output: Format, verbose: bool) -> int:
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door, Early, doors
    from edgectl.cli.result import show
    from edgectl.cli.signed import signed
    from edgectl.control.deploy.caps import Forecast
    from edgectl.control.deploy.everywhere import everywhere, together
    from edgectl.control.deploy.look import plan as look
    from edgectl.report.looked import plan_code, plan_document, planned
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
    head = stores.header(found, offer.commit, offer.summary)
    forecast = stores.caps(found).forecast(seen.missing_bytes) if seen.missing_bytes else Forecast()
    text = f"{head}\n{planned(store, seen, sum(offer.blobs.values()), forecast)}"
    said = plan_document(store, offer.payload, seen, forecast)
    reports.of(store, {**said, "exit": seen.exit})
    return show(output, said, text, code=plan_code(seen, exit_code=exit_code))
