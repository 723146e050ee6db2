"""`edgectl pause` and `resume`: hands-on work without the store repairing what you take apart."""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName
from edgectl.wire.errors import Exit, UsageError

_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_PAUSE = """Examples:

  edgectl pause store-042 --for 2h --why "swapping a camera"

The pause ends by itself. While it lasts, a deploy is refused (exit 7)."""
_RESUME = """Example:

  edgectl resume store-042"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause", epilog=_PAUSE)(pause)
    app.command("resume", epilog=_RESUME)(resume)


def seconds(text: str) -> float:
    """Return `30m`, `2h`, `1d` in seconds; UsageError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text)
    if not found or not float(found[1]):
        raise UsageError(f"--for {text} is no length of time", hint="write 30m, 2h or 1d")
    return float(found[1]) * _UNIT_SECONDS[found[2]]


def pause(
    store: StoreName,
    length: Annotated[str, typer.Option("--for", help="30m, 2h, 1d.")],
    why: Annotated[str, typer.Option("--why", help="One sentence, for whoever meets the pause.")],
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
) -> int:
    """Stop self-healing and deploys of a store for a while."""
    from edgectl.control.deploy.operator import sender

    who = sender()
    answer = _ask(store, inventory, "pause", seconds=seconds(length), why=why, who=f"{who.user}@{who.host}")
    _say(output, {"store": store, "pause": answer["sentence"]}, f"{store} is {answer['sentence']}")
    return int(Exit.OK)


def resume(store: StoreName, inventory: InventoryPath = DEFAULT_INVENTORY, output: Output = Format.TEXT) -> int:
    """End a pause now."""
    was = str(_ask(store, inventory, "resume").get("was", ""))
    text = f"{store} is resumed (it was {was})" if was else f"{store} was not paused"
    _say(output, {"store": store, "was": was}, text)
    return int(Exit.OK)


def _ask(store: str, inventory: InventoryPath, op: str, **fields: object) -> dict[str, object]:
    from edgectl.cli import store as stores
    from edgectl.control.deploy.look import ask

    door = stores.Door(stores.find(store, inventory).node(), stores.runtime())
    return ask(door.open, op, **fields)


def _say(output: Format, document: dict[str, object], text: str) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if output is Format.JSON else text) + "\n")
