"""`edgectl inventory check`: all that is wrong with the inventory, of every store at once."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import Exit

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
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.policy.lint import lint
    from edgectl.report.linted import document, lines

    opened, names = stores.some(selector, inventory)
    found = lint(opened, names, None, datetime.now(UTC).date())
    code = Exit.INVALID if found.errors else Exit.OK
    return show(output, document(found), "\n".join(lines(found, verbose=verbose)), code=code)
