"""`edgectl sandbox`: a real store on this machine, to try things on.

Nothing but this folder may import edgectl.sandbox.
"""

from __future__ import annotations

import typer

from edgectl.cli.sandbox import link, power, stores
from edgectl.cli.sandbox.app import app

COMMANDS = (stores, power, link)  # imported for the commands that they add


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="sandbox")
