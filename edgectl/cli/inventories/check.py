"""`edgectl inventory check`: all that is wrong with the inventory, of every store at once."""

from __future__ import annotations

import typer

from edgectl.cli.lint import linted
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose

_EPILOG = """\b
Examples:
  edgectl inventory check
  edgectl inventory check group:eu
  edgectl inventory check -o json

Looks at the inventory alone: no bundle, no charts, no rules (edgectl lint
does). Exit 3 when something must be corrected. Talks to no node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog=_EPILOG)(check)


def check(
    selector: Selector = "*",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Check the inventory file, every store of it."""
    return linted(selector, inventory, None, output, verbose=verbose)
