"""`edgectl status`: what the store runs, and whether it is as declared."""

from __future__ import annotations

import json
import sys

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """Examples:

  edgectl status store-042

  edgectl status store-042 -v     (every step, not only what is wrong)

Exit 0 ready, 9 degraded, 5 not ready, 10 changed by hand and not yet healed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EPILOG)(status)


def status(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Look at the store as it should be by its own last accepted deploy."""
    from edgectl.cli import store as stores
    from edgectl.control.deploy.look import status as look
    from edgectl.report.sentence import looked, running
    from edgectl.report.terminal import Terminal

    found = stores.find(store, inventory)
    terminal = Terminal(verbose=verbose)
    try:
        seen = look(stores.Door(found.node(), stores.runtime()).open, terminal)
    finally:
        terminal.close()
    if output is Format.JSON:
        sys.stdout.write(json.dumps({"store": store, **seen.document()}, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(looked(store, seen.verdict, link_bytes=seen.link_bytes, seconds=seen.seconds) + "\n")
        for line in running(seen.hello):
            sys.stdout.write(f"  {line}\n")
    return int(seen.verdict.get("exit", Exit.NOT_READY))
