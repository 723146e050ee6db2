"""`edgectl keys`: everything about who may sign for stores; a subcommand is one file in `keyring`."""

from __future__ import annotations

import typer

from edgectl.cli.keyring import add, init, listed, revoke, rotate

COMMANDS = (init, add, rotate, revoke, listed)


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(
        name="keys", help="Say whose signed offers stores take.", no_args_is_help=True, rich_markup_mode=None
    )
    for command in COMMANDS:
        command.register(app)
    parent.add_typer(app, name="keys")
