"""`edgectl lint`: all that stands against what would be sent, of every store at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import Exit

if TYPE_CHECKING:
    from edgectl.control.inventory.store import Store
    from edgectl.control.payload.rendered import Rendered

_EPILOG = """\b
Examples:
  edgectl lint                       (every store)
  edgectl lint group:eu
  edgectl lint "profile:t4 and not store-042"
  edgectl lint -o json

Inventory, bundle, charts, Kubernetes' own schemas, and the rules of
docs/policy.md. What is the same in many stores is one line. Exit 3 when
something must be corrected; warnings and what an exception excuses do not
count. Talks to no node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint", epilog=_EPILOG)(lint)


def lint(
    selector: Selector = "*",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Check what would be sent to stores: inventory, charts, rules."""
    from edgectl.cli import store as stores

    return linted(selector, inventory, stores.renderer().render, output, verbose=verbose)


def linted(
    selector: str, inventory: Path, render: Callable[[Store], Rendered] | None, output: Format, *, verbose: bool
) -> int:
    """Look at stores and say what is wrong; without `render` only at the inventory itself. Returns the exit code."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.policy.lint import lint as look
    from edgectl.report.linted import document, lines

    opened, names = stores.some(selector, inventory)
    found = look(opened, names, render, datetime.now(UTC).date())
    code = Exit.INVALID if found.errors else Exit.OK
    return show(output, document(found), "\n".join(lines(found, verbose=verbose)), code=code)
