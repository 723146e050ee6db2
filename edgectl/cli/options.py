"""Options that several commands share, declared once.

Owns: names, help and defaults of shared options. Must not import anything that `--help` does not need.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What goes to stdout: sentences for people or one JSON document for programs."""

    TEXT = "text"
    JSON = "json"


def complete_store(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete store names from the inventory of this command line, of the environment, or the default."""
    import os

    from edgectl.control.inventory.names import names

    path = ctx.params.get("inventory") or os.environ.get("EDGECTL_INVENTORY") or DEFAULT_INVENTORY
    return [name for name in names(Path(path)) if name.startswith(incomplete)]


DEFAULT_INVENTORY = Path("stores/inventory.yaml")
StoreName = Annotated[
    str,
    typer.Argument(metavar="STORE", help="A store of the inventory, e.g. store-042.", autocompletion=complete_store),
]
Selector = Annotated[
    str,
    typer.Argument(
        metavar="[SELECTOR]",
        help="Which stores: store-0*, group:eu, profile:t4, not ..., and, or; all when left out.",
        autocompletion=complete_store,
    ),
]
InventoryPath = Annotated[
    Path,
    typer.Option(
        "--inventory",
        "-i",
        envvar="EDGECTL_INVENTORY",
        metavar="FILE",
        help="The one file that describes all stores.",
        show_default=True,
    ),
]
NodeName = Annotated[
    str, typer.Option("--node", metavar="NAME", help="A node of the store; its server when not given.")
]
Output = Annotated[Format, typer.Option("--output", "-o", help="text for people, json: one document on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr: what is fine, too, and evidence.")]
