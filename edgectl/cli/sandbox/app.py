"""The group of sandbox commands."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="sandbox",
    help="Real store nodes on this machine: own disks and network, test GPUs, a link that can be made bad. Needs root.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
