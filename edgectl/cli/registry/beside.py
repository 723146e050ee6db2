"""`edgectl models canary` and `shadow`: a version beside the one that runs, whatever the inventory's strategy is."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.cli.registry.turn import ModelVersion, turn
from edgectl.wire.errors import UsageError

_CANARY = """\b
Examples:
  edgectl models canary store-042 detector           (what has come ahead)
  edgectl models canary store-042 detector@1.4 --percent 10 --soak 1h
  sudo edgectl-node models canary detector@1.4      (at the rack, offline)

On every node, the version answers some of the requests beside the one that
runs: by the steps of `models.NAME.rollout`, or in one step of --percent. Each
node judges for itself; one that passes runs from then on, one that fails goes.
`edgectl models STORE` shows how it does; `edgectl models promote` and
`rollback` end it at once.

\b
Exit codes: 7 a deploy runs    5 a node does not keep that version"""
_SHADOW = """\b
Examples:
  edgectl models shadow store-042 detector@1.4
  edgectl models shadow store-042 detector@1.4 --soak 1h

On every node, the version gets a copy of the requests, and its answers go
nowhere but into the comparison. Once it has passed, it waits for
`edgectl models promote`.

\b
Exit codes: 7 a deploy runs    5 a node does not keep that version"""
Soak = Annotated[
    str, typer.Option("--soak", metavar="TIME", help="How long each step lasts: 30s, 10m; else the inventory's.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("canary", epilog=_CANARY)(canary)
    app.command("shadow", epilog=_SHADOW)(shadow)


def canary(
    store: StoreName,
    name: ModelVersion,
    percent: Annotated[
        int | None,
        typer.Option("--percent", min=1, max=100, help="Of the requests, in one step; else the inventory's steps."),
    ] = None,
    soak: Soak = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Give a version some of the requests, beside the one that runs."""
    more = {"percent": percent or 0, "soak_seconds": _length(soak)}
    return turn("canary", store, name, inventory=inventory, output=output, verbose=verbose, **more)


def shadow(
    store: StoreName,
    name: ModelVersion,
    soak: Soak = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Let a version answer a copy of the requests, for comparison alone."""
    more = {"soak_seconds": _length(soak)}
    return turn("shadow", store, name, inventory=inventory, output=output, verbose=verbose, **more)


def _length(text: str) -> float:
    from edgectl.wire.length import seconds

    try:
        return seconds(text) if text else 0.0
    except ValueError as error:
        raise UsageError(f"--soak {text}: {error}", hint="write 30s, 10m, 2h") from error
