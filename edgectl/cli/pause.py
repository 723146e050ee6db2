"""`edgectl pause` and `resume`: hands-on work without the store repairing what you take apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError, Exit, UsageError
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
    said, unreached = _ask(store, inventory, "pause", asked, verbose=verbose)
    sentence = str(said["sentence"])
    document = {"store": store, "pause": sentence, **_unreached(unreached)}
    return show(output, document, f"{store} is {sentence}{_without(unreached)}", code=_code(unreached))


def resume(
    store: StoreName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """End a pause now."""
    from edgectl.cli.result import show

    said, unreached = _ask(store, inventory, "resume", {}, verbose=verbose)
    was = str(said.get("was", ""))
    text = f"{store} is resumed (it was {was})" if was else f"{store} was not paused"
    document = {"store": store, "was": was, **_unreached(unreached)}
    return show(output, document, text + _without(unreached), code=_code(unreached))


def _ask(
    store: str, inventory: Path, op: str, fields: dict[str, Any], *, verbose: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask every node of the store; returns the lead's answer, and why others could not be asked."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.control.audit.own import audited
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.deploy.look import ask

    found = stores.find(store, inventory)
    store = found.name
    doors = doors_of(found.nodes, stores.runtime(), verbose=verbose)
    with stores.speaking_of(store), audited(store, op, asked={key: str(value) for key, value in fields.items()}):
        answers = everywhere({name: partial(ask, door.open, op, **fields) for name, door in doors.items()})
        lead = answers.pop(found.lead.name)
        if isinstance(lead, EdgectlError):
            raise lead
    return lead, {name: str(answer.message) for name, answer in answers.items() if isinstance(answer, EdgectlError)}


def _unreached(unreached: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"unreached": unreached} if unreached else {}


def _without(unreached: dict[str, str]) -> str:
    return "".join(f"\n  not       {name}: {why}" for name, why in unreached.items())


def _code(unreached: dict[str, str]) -> Exit:
    return Exit.DEGRADED if unreached else Exit.OK
