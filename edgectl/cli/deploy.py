"""`edgectl deploy`: the press of the button."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from edgectl.cli.fleet.several import All, AtOnce, Showing, Stores, is_several, which
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose
from edgectl.cli.reports import Junit, Reports
from edgectl.cli.telling import Html, papers, place

_EPILOG = """\b
Examples:
  edgectl deploy store-042
  edgectl deploy store-042 -i stores/inventory.yaml -o json
  edgectl deploy store-042 --accept-degraded     (one GPU fewer will do)
  edgectl deploy store-042 --limit 500kbit       (a thin line, shops are open)
  edgectl deploy store-042 --take-over           (a k3s of yours is there)
  edgectl deploy store-042 --reboot-now          (not only in windows.reboot)
  edgectl deploy group:pilot                     (several at once)
  edgectl deploy --all --at-once 50
  edgectl deploy store-042 --html store-042.html (a page of it, for people)

The node finishes alone if this command or the link dies; the same command
re-attaches. Ctrl-C stops watching, nothing else. A second deploy changes
nothing. --limit holds for all nodes of the store together, and instead of
network.limits (docs/transfer.md). What stands worse than what ran before is rejected, and the store
goes back by itself. A machine that must be restarted for what is installed is, and the
deploy goes on by itself when it is back (docs/reboot.md).

Several stores are deployed side by side, and what becomes of one is no matter
of another (docs/many.md): a line each when it ends, and one summary. --limit
then holds for each of them.

\b
Exit codes:
  0 ready    9 it serves, with something missing
  5 a gate is not true    6 a step failed (both say what runs now)
  7 someone else deploys, or the store is paused    11 the store refused it
  several: 8 some failed, or were not reached; that code where all did alike"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deploy", epilog=_EPILOG)(deploy)


def deploy(
    store: Stores = "",
    *,
    every: All = False,
    at_once: AtOnce = None,
    accept_degraded: Annotated[
        bool, typer.Option("--accept-degraded", help="Keep it also when it serves less than what ran before.")
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over",
            help="Make a k3s that somebody else has installed on the node this store's: its binary, unit and settings "
            "become what is declared, its cluster's data stay, and releases of the same name are upgraded.",
        ),
    ] = False,
    reboot_now: Annotated[
        bool, typer.Option("--reboot-now", help="Restart a machine that needs it at once, outside windows.reboot, too.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option("--limit", metavar="RATE", help="Send no faster: 500kbit, 2mbit (bits a second), 250kB."),
    ] = None,
    html: Html = None,
    junit: Junit = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Bring stores to what the inventory says, and prove it."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door, Early, doors
    from edgectl.cli.press import press
    from edgectl.cli.signed import signed

    place(html)
    asked = None if limit is None else rate(limit)
    if is_several(store := which("deploy", store, every=every)):
        from edgectl.cli.fleet.deploy import Orders, deploys

        orders = Orders(accept_degraded, may_reboot=reboot_now, take_over=take_over)
        with Reports("deploy", store, junit) as reports:
            showing = Showing(at_once, output, verbose, [*papers(html), reports.of_all])
            return deploys(store, inventory, orders, asked, showing)
    reports = Reports("deploy", store, junit)
    engine = stores.runtime()
    early = Early(inventory, store, engine, verbose=verbose)
    door: Door | None = None
    with reports:
        try:
            found = stores.find(store, inventory, early.source)
            store = found.name
            stores.permitted(found)
            values = stores.values(found)
            others = doors(found.followers, engine, verbose=verbose)
            door = early.door(found.lead)
            with stores.speaking_of(store):
                rendered = stores.render(found)
                offer = stores.offer(found, rendered, engine, inventory=inventory)
                offer = replace(
                    offer, accept_degraded=accept_degraded, may_reboot=reboot_now, take_over=take_over, values=values
                )
                offer = signed(offer, found, engine_bytes=len(engine.tar), payload=rendered.payload.encode())
                followers = {name: (stores.for_node(offer, rendered, name), other) for name, other in others.items()}
                head = stores.header(found, offer.commit, offer.summary)
                caps = stores.caps(found, asked)
                return press(
                    offer,
                    door,
                    followers,
                    head=head,
                    output=output,
                    verbose=verbose,
                    caps=caps,
                    html=html,
                    of=reports.of,
                )
        finally:
            (early if door is None else door).close()


def rate(text: str) -> float:
    """Return `--limit` in bytes a second; UsageError when it is none."""
    from edgectl.control.inventory.amounts import rate_bytes
    from edgectl.wire.errors import UsageError

    try:
        return rate_bytes(text)
    except ValueError as error:
        hint = "for example: --limit 500kbit or --limit 2mbit (bits a second), --limit 250kB (bytes a second)"
        raise UsageError(f"--limit: {error}", hint=hint) from error
