"""`edgectl bundle`: everything about the folder with what is sent; a subcommand is one file in `bundles`."""

from __future__ import annotations

import typer

from edgectl.cli.bundles import build, components, diff, export, inspect, packages, verify

COMMANDS = (build, packages, inspect, verify, diff, export, components)


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(
        name="bundle", help="Make, check and carry what is sent to stores.", no_args_is_help=True, rich_markup_mode=None
    )
    for command in COMMANDS:
        command.register(app)
    parent.add_typer(app, name="bundle")
