"""`edgectl status`: what the store runs, and whether it is as declared."""

from __future__ import annotations

import typer

from edgectl.cli.fleet.several import All, AtOnce, Showing, Stores, is_several, which
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose
from edgectl.cli.reports import Junit, Reports
from edgectl.cli.telling import Html, besides, newest_run, paper, papers, place
from edgectl.wire.errors import Exit

_EPILOG = """\b
Examples:
  edgectl status store-042
  edgectl status store-042 -v        (every step, not only what is wrong)
  edgectl status store-042 -o json
  edgectl status group:eu            (several at once: docs/many.md)
  edgectl status --all
  edgectl status store-042 --html store-042.html     (a page, for people)

\b
Exit codes:
  0 ready    9 it serves, with something missing    5 not ready
  10 changed by hand and not yet put back    4 the node could not be asked
  several: 8 some are not ready or could not be asked"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EPILOG)(status)


def status(
    store: Stores = "",
    every: All = False,
    at_once: AtOnce = None,
    html: Html = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    junit: Junit = None,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what stores run, and whether they are as deployed."""
    place(html)
    if is_several(store := which("status", store, every=every)):
        from edgectl.cli.fleet.look import stands

        with Reports("status", store, junit) as reports:
            return stands(store, inventory, Showing(at_once, output, verbose, [*papers(html), reports.of_all]))
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.cli.result import show
    from edgectl.control.deploy.everywhere import status as of_all
    from edgectl.report.looked import standing
    from edgectl.report.terminal import Terminal

    with Reports("status", store, junit) as reports:
        found = stores.find(store, inventory)
        store = found.name
        doors = doors_of(found.nodes, stores.runtime(), verbose=verbose)
        with stores.speaking_of(store):
            seen = of_all(
                {name: door.open for name, door in doors.items()},
                found.lead.name,
                lambda leads: Terminal(verbose=verbose, quiet=not verbose or not leads),
            )
        code = int(seen.verdict.get("exit", Exit.NOT_READY))
        reports.of(store, {**seen.document(), "exit": code})
        document, text = {"store": store, **seen.document()}, standing(store, seen)
        if html is not None:
            more = {**besides(doors[found.lead.name].open), "events": newest_run(doors[found.lead.name].open)}
            about = {"title": found.title, "command": f"edgectl status {store}", "sentence": text}
            paper(html, [(store, {**document, **more, **about})])
        return show(output, document, text, code=code)
