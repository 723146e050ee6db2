"""`edgectl inventory`: everything about the file itself; a subcommand is one file in `inventories`."""

from __future__ import annotations

import typer

from edgectl.cli.inventories import bring, check, diff, scan_keys, schema

COMMANDS = (check, diff, schema, scan_keys, bring)


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(
        name="inventory", help="Check, compare and fill the inventory.", no_args_is_help=True, rich_markup_mode=None
    )
    for command in COMMANDS:
        command.register(app)
    parent.add_typer(app, name="inventory")
