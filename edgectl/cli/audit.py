"""`edgectl audit`: who asked what of stores, and whether that can be believed; a subcommand is one file in `audits`."""

from __future__ import annotations

import typer

from edgectl.cli.audits import show, verify

COMMANDS = (show, verify)


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(
        name="audit",
        help="Show who asked what of stores; check that no line was changed.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in COMMANDS:
        command.register(app)
    parent.add_typer(app, name="audit")
