"""`edgectl inventory diff`: what a git change does to which stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Selector, Verbose
from edgectl.wire.errors import Exit

if TYPE_CHECKING:
    from edgectl.control.inventory.load import Inventory
    from edgectl.control.payload.compare import Touched

_EPILOG = """\b
Examples:
  edgectl inventory diff HEAD~1
  edgectl inventory diff origin/main group:eu
  edgectl inventory diff origin/main -o json    (for a merge request)

Which stores become something else than in that revision, value by value,
with the restarts of k3s and the pauses of inference that a deploy will
cause. The same change in many stores is said once. Both sides take today's
bundle. Exit 3 when a store cannot be rendered. Talks to no node."""

Revision = Annotated[str, typer.Argument(metavar="REV", help="A git revision, e.g. origin/main.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", epilog=_EPILOG)(diff)


def diff(
    revision: Revision,
    selector: Selector = "*",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show which stores a git change touches, and what they will feel."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.report.compared import document, lines

    opened, names = stores.some(selector, inventory)
    found, looked = touched(revision, opened, names)
    code = Exit.INVALID if any(one.state == "broken" for one in found) else Exit.OK
    return show(output, document(found, looked), "\n".join(lines(found, looked, verbose=verbose)), code=code)


def touched(revision: str, after: Inventory, names: tuple[str, ...]) -> tuple[list[Touched], int]:
    """Return what differs from a revision, and how many stores were looked at."""
    from dataclasses import replace

    from edgectl.cli import store as stores
    from edgectl.control.inventory.load import load
    from edgectl.control.inventory.revision import at_revision
    from edgectl.control.payload.compare import compare

    renderer = stores.renderer()
    bundle = after.bundle()
    with at_revision(after.path, revision) as older:
        found = compare(
            load(older),
            after,
            names,
            lambda store: renderer.render(replace(store, bundle=bundle)).payload,
            lambda store: renderer.render(store).payload,
        )
    return found, len(names) + sum(one.state == "gone" for one in found)
