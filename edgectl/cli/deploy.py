"""`edgectl deploy`: the press of the button."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit, Locked, NotReady, Refused

if TYPE_CHECKING:
    from edgectl.cli.store import Door
    from edgectl.control.deploy.deploy import Deploy, Offer
    from edgectl.control.inventory.store import Store
    from edgectl.control.link.runtime import RuntimeArchive

_EPILOG = """\b
Examples:
  edgectl deploy store-042
  edgectl deploy store-042 -i stores/inventory.yaml -o json

The node finishes alone if this command or the link dies; the same command
re-attaches. Ctrl-C stops watching, nothing else. A second deploy changes
nothing.

\b
Exit codes:
  0 ready    9 it serves, with something missing
  5 a gate is not true    6 a step failed (both say what runs now)
  7 someone else deploys, or the store is paused    11 the store refused it"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deploy", epilog=_EPILOG)(deploy)


def deploy(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Bring a store to what the inventory says, and prove it."""
    from edgectl.cli import store as stores

    found = stores.find(store, inventory)
    engine = stores.runtime()
    door = stores.Door(found.node(), engine, verbose=verbose).knock()
    try:
        with stores.speaking_of(store):
            return _deploy(found, engine, door, inventory=inventory, output=output, verbose=verbose)
    finally:
        door.close()


def _deploy(found: Store, engine: RuntimeArchive, door: Door, *, inventory: Path, output: Format, verbose: bool) -> int:
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.deploy.deploy import Deploy
    from edgectl.report.sentence import deployed
    from edgectl.report.terminal import Terminal

    offer = stores.offer(found, stores.render(found), engine, inventory=inventory)
    head = stores.header(found, offer.commit, offer.summary)
    terminal = Terminal(head=head, verbose=verbose, all_bytes=sum(offer.blobs.values()))
    running = Deploy(offer, door.open, terminal)
    try:
        terminal.connecting(found.node().name)
        outcome = running.run()
    except KeyboardInterrupt as error:
        raise _stopped_watching(running, offer) from error
    except (Locked, Refused, NotReady) as error:
        if running.outcome.sessions and not running.outcome.run:
            error.details = (*error.details, f"runs now: {_runs(running)}; this deploy has changed nothing")
        raise
    finally:
        terminal.close()
    code = int(outcome.verdict.get("exit", Exit.NOT_READY))
    document = {"store": found.name, "payload": offer.payload, **asdict(outcome)}
    return show(output, document, deployed(found.name, outcome), code=code)


def _runs(running: Deploy) -> str:
    serving = running.outcome.serving
    return f"sequence {serving}" if serving else "nothing that was deployed"


def _stopped_watching(running: Deploy, offer: Offer) -> Interrupted:
    """Say what goes on without us."""
    if running.outcome.run:
        return Interrupted(
            f"stopped watching; {offer.node} goes on by itself (run {running.outcome.run})",
            hint=f"watch again with `edgectl journal {offer.store} --follow`, "
            f"re-attach with `edgectl deploy {offer.store}`",
        )
    return Interrupted(
        f"interrupted before {offer.node} has taken over; what was sent is kept there",
        hint=f"run the same command again to go on; `edgectl status {offer.store}` shows what runs",
    )
