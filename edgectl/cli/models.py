"""`edgectl models`: the versions that nodes keep; a subcommand is one file in `registry`."""

from __future__ import annotations

import typer
from typer._click import Context
from typer.core import TyperGroup

from edgectl.cli.registry import beside, prefetch, show, turn

COMMANDS = (show, prefetch, beside, turn)
_HELP = """Show the models of a store; try versions, promote, go back.

`edgectl models STORE` is `edgectl models show STORE`, and `edgectl model` is
`edgectl models`."""


class _Shows(TyperGroup):
    """The group: what is no subcommand is a store to show."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the word in that is left out."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(name="models", help=_HELP, cls=_Shows, no_args_is_help=True, rich_markup_mode=None)
    for command in COMMANDS:
        command.register(app)
    parent.add_typer(app, name="models")
