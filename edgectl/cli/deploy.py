"""`edgectl deploy`: the press of the button."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

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
    from edgectl.control.deploy.deploy import Deploy
    from edgectl.report.sentence import deployed
    from edgectl.report.terminal import Terminal

    found = stores.find(store, inventory)
    rendered = stores.render(found)
    engine = stores.runtime()
    offer = stores.offer(found, rendered, engine, inventory=inventory)
    terminal = Terminal(verbose=verbose)
    if verbose or sys.stderr.isatty():
        terminal.say(stores.header(found, offer.commit, offer.summary))
    door = stores.Door(found.node(), engine)
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
