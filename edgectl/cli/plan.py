"""`edgectl plan`: what a deploy would change, and what it would send."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import Exit

_EPILOG = """Examples:

  edgectl plan store-042

  edgectl plan store-042 --exit-code   (0: nothing to do, 10: changes pending)

Changes nothing on the node but its own engine."""


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
    """Look at everything and change nothing."""
    from edgectl.cli import store as stores
    from edgectl.control.deploy.look import plan as look
    from edgectl.report.sentence import looked
    from edgectl.report.terminal import Terminal
    from edgectl.report.words import size

    found = stores.find(store, inventory)
    rendered = stores.render(found)
    engine = stores.runtime()
    terminal = Terminal(verbose=verbose)
    try:
        offer = stores.offer(found, rendered, engine, inventory=inventory)
        seen = look(offer, rendered.payload.encode(), stores.Door(found.node(), engine).open, terminal)
    finally:
        terminal.close()
    if output is Format.JSON:
        sys.stdout.write(json.dumps({"store": store, **seen.document()}, indent=2, ensure_ascii=False) + "\n")
    else:
        if seen.missing_bytes:
            sys.stdout.write(f"to send: {seen.missing_blobs} blobs, {size(seen.missing_bytes)}\n")
        sys.stdout.write(looked(store, seen.verdict, link_bytes=seen.link_bytes, seconds=seen.seconds) + "\n")
    code = int(seen.verdict.get("exit", Exit.NOT_READY))
    if code == Exit.PENDING:
        return int(Exit.PENDING) if exit_code else int(Exit.OK)
    if seen.missing_bytes and exit_code:
        return int(Exit.PENDING)
    return code if code != Exit.NOT_READY or not seen.missing_bytes else int(Exit.OK)
