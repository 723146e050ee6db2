"""`edgectl pause` and `resume`: hands-on work without the store repairing what you take apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import UsageError
from edgectl.wire.length import seconds

_PAUSE = """\b
Examples:
  edgectl pause store-042 --for 2h --why "swapping a camera"
  edgectl pause store-042 --for 30m --why "new cable" -o json

The pause ends by itself. While it lasts, a deploy is refused (exit 7)."""
_RESUME = """\b
Examples:
  edgectl resume store-042
  edgectl resume store-042 -o json"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause", epilog=_PAUSE)(pause)
    app.command("resume", epilog=_RESUME)(resume)


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(f"--for {text} is no length of time", hint=str(error)) from error


def pause(
    store: StoreName,
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="30m, 2h, 1d.")],
    why: Annotated[str, typer.Option("--why", help="One sentence, for whoever meets the pause.")],
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Stop self-healing and deploys of a store for a while."""
    from edgectl.cli.result import show
    from edgectl.control.deploy.operator import sender

    who, lasting = sender(), _seconds(length)
    asked = {"seconds": lasting, "why": why, "who": f"{who.user}@{who.host}"}
    sentence = str(_ask(store, inventory, "pause", asked, verbose=verbose)["sentence"])
    return show(output, {"store": store, "pause": sentence}, f"{store} is {sentence}")


def resume(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """End a pause now."""
    from edgectl.cli.result import show

    was = str(_ask(store, inventory, "resume", {}, verbose=verbose).get("was", ""))
    text = f"{store} is resumed (it was {was})" if was else f"{store} was not paused"
    return show(output, {"store": store, "was": was}, text)


def _ask(store: str, inventory: Path, op: str, fields: dict[str, Any], *, verbose: bool) -> dict[str, Any]:
    from edgectl.cli import store as stores
    from edgectl.control.deploy.look import ask

    with stores.speaking_of(store):
        return ask(stores.door(store, inventory, verbose=verbose).open, op, **fields)
