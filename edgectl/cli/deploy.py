"""`edgectl deploy`: the press of the button."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

if TYPE_CHECKING:
    from edgectl.cli.store import Door
    from edgectl.control.inventory.store import Store
    from edgectl.control.link.runtime import RuntimeArchive

_EPILOG = """Examples:

  edgectl deploy store-042

  edgectl deploy store-042 -i stores/inventory.yaml -o json

The node finishes alone if this command or the link dies; the same command re-attaches.
A second deploy changes nothing."""


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
    door = stores.Door(found.node(), engine).knock()
    try:
        return _deploy(found, engine, door, inventory=inventory, output=output, verbose=verbose)
    finally:
        door.close()


def _deploy(found: Store, engine: RuntimeArchive, door: Door, *, inventory: Path, output: Format, verbose: bool) -> int:
    from edgectl.cli import store as stores
    from edgectl.control.deploy.deploy import Deploy
    from edgectl.report.sentence import deployed
    from edgectl.report.terminal import Terminal

    store = found.name
    offer = stores.offer(found, stores.render(found), engine, inventory=inventory)
    terminal = Terminal(verbose=verbose)
    if verbose or sys.stderr.isatty():
        terminal.say(stores.header(found, offer.commit, offer.summary))
    running = Deploy(offer, door.open, terminal)
    try:
        outcome = running.run()
    except KeyboardInterrupt:
        terminal.close()
        if running.outcome.run:
            sys.stderr.write(
                f"\nstopped watching; {found.node().name} goes on by itself (run {running.outcome.run}).\n"
                f"  watch again   edgectl journal {store} --follow\n"
                f"  re-attach     edgectl deploy {store}\n"
            )
        else:
            sys.stderr.write("\ninterrupted before the node was asked to change anything; what was sent is kept.\n")
        return int(Exit.INTERRUPTED)
    finally:
        terminal.close()
    if output is Format.JSON:
        document = {"store": store, "payload": offer.payload, **asdict(outcome)}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(deployed(store, outcome) + "\n")
    return int(outcome.verdict.get("exit", Exit.NOT_READY))
