"""`edgectl models rollback` and `release`: back to the version before, at once; and the end of that."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="A model of the store, e.g. detector.")]

_ROLLBACK = """\b
Examples:
  edgectl models rollback store-042 detector --why "counts too many"
  sudo edgectl-node models rollback detector      (at the rack, offline)

Nothing is sent and nothing is waited for: `current` and `previous` change
places on every node, and the store stays there: its self-repair does not put
it back. That ends when another version is deployed than the one that you have
gone back from, or with `edgectl models release`. `edgectl status` shows it.

\b
Exit codes: 7 a deploy runs    5 there is no version to go back to"""
_RELEASE = """\b
Examples:
  edgectl models release store-042 detector

The version that is declared runs again."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("rollback", epilog=_ROLLBACK)(rollback)
    app.command("release", epilog=_RELEASE)(release)


def rollback(
    store: StoreName,
    name: ModelName,
    why: Annotated[str, typer.Option("--why", help="One sentence, for whoever meets it.")] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Go back to the version of a model that ran before, now."""
    return _turn("rollback", store, name, why, inventory=inventory, output=output, verbose=verbose)


def release(
    store: StoreName,
    name: ModelName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Let a model go on with the version that is declared."""
    return _turn("release", store, name, "", inventory=inventory, output=output, verbose=verbose)


def _turn(
    deed: str, store: str, name: str, why: str, *, inventory: InventoryPath, output: Format, verbose: bool
) -> int:
    from edgectl.cli import store as stores
    from edgectl.cli.registry.nodes import asked, code, document
    from edgectl.cli.result import show
    from edgectl.control.deploy.operator import sender

    found, me = stores.find(store, inventory), sender()
    who = f"{me.user}@{me.host}"
    answers = asked(found, "", verbose=verbose, deed=deed, name=name, who=who, why=why)
    said = []
    for node, answer in answers.items():
        if isinstance(answer, EdgectlError):
            said.append(f"  not       {node}: {answer.message}")
            continue
        was = answer["hold"]
        before, after = was["from_version"], was["version"]
        if deed == "rollback":
            said.append(f"  {node:<10}{name} {before} -> {after}, held until another version than {before} is deployed")
        else:
            said.append(f"  {node:<10}{name} {after} -> {before}, as declared")
    done = "went back" if deed == "rollback" else "goes on as declared"
    text = "\n".join([f"{found.name}: {name} {done}", *said])
    return show(output, {"store": found.name, "model": name, "nodes": document(answers)}, text, code=code(answers))
