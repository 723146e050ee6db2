"""`edgectl inventory`: the one file that describes all stores."""

from __future__ import annotations

import typer

from edgectl.cli.inventories import check, diff, schema

_PARTS = (check, diff, schema)


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    for part in _PARTS:
        part.register(group)
    app.add_typer(group, name="inventory", help="Check, compare and fill the inventory.")
