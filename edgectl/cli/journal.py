"""`edgectl journal`: what a run on the node said, as it happens or afterwards."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """Examples:

  edgectl journal store-042               (the newest run)

  edgectl journal store-042 --follow      (watch it until its verdict)

  edgectl journal store-042 --list

  edgectl journal store-042 --run 8f3a"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("journal", epilog=_EPILOG)(journal)


def journal(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    run: Annotated[str, typer.Option("--run", help="A run's id, or its beginning.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for the run's verdict.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the runs that the node has kept.")] = False,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show a run's journal; whoever deployed, whoever watches."""
    from edgectl.cli import store as stores
    from edgectl.control.deploy.look import journal as read
    from edgectl.control.deploy.look import runs
    from edgectl.report.words import journal_line

    del verbose  # a journal is shown whole
    door = stores.Door(stores.find(store, inventory).node(), stores.runtime())
    if listing:
        names = runs(door.open)
        sys.stdout.write(json.dumps(names) + "\n" if output is Format.JSON else "".join(f"{name}\n" for name in names))
        return int(Exit.OK)
    try:
        for item in read(door.open, run=run, follow=follow):
            text = json.dumps(item, ensure_ascii=False) if output is Format.JSON else journal_line(item)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped watching; the node goes on by itself.\n")
        return int(Exit.INTERRUPTED)
    return int(Exit.OK)
