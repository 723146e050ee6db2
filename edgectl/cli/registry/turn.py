"""`edgectl models promote`, `rollback` and `release`: which version of a model runs, at once; on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError

if TYPE_CHECKING:
    from pathlib import Path

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="A model of the store, e.g. detector.")]
ModelVersion = Annotated[str, typer.Argument(metavar="NAME", help="A model, or one version of it: detector@1.4.")]
Why = Annotated[str, typer.Option("--why", help="One sentence, for whoever meets it.")]

_PROMOTE = """\b
Examples:
  edgectl models promote store-042 detector      (what stands beside)
  edgectl models promote store-042 detector@1.4
  sudo edgectl-node models promote detector@1.4   (at the rack, offline)

The version takes over now, on every node: the candidate of a rollout, which
ends, or another that the nodes keep. One that is not declared is held, as
after a rollback, until another version is deployed.

\b
Exit codes: 7 a deploy runs    5 a node does not keep that version"""
_ROLLBACK = """\b
Examples:
  edgectl models rollback store-042 detector --why "counts too many"
  sudo edgectl-node models rollback detector      (at the rack, offline)

Nothing is sent and nothing is waited for: `current` and `previous` change
places on every node, and the store stays there: its self-repair does not put
it back. That ends when another version is deployed than the one that you have
gone back from, or with `edgectl models release`. `edgectl status` shows it.
While a version stands beside the one that runs, that ends, and no more: what
runs goes on.

\b
Exit codes: 7 a deploy runs    5 there is no version to go back to"""
_RELEASE = """\b
Examples:
  edgectl models release store-042 detector

The version that is declared runs again. Where its own rollout had turned it
down, the rollout begins anew."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("promote", epilog=_PROMOTE)(promote)
    app.command("rollback", epilog=_ROLLBACK)(rollback)
    app.command("release", epilog=_RELEASE)(release)


def promote(
    store: StoreName,
    name: ModelVersion,
    why: Why = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Let the version that stands beside, or another that is kept, take over now."""
    return turn("promote", store, name, inventory=inventory, output=output, verbose=verbose, why=why)


def rollback(
    store: StoreName,
    name: ModelName,
    why: Why = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Go back to the version of a model that ran before, now."""
    return turn("rollback", store, name, inventory=inventory, output=output, verbose=verbose, why=why)


def release(
    store: StoreName,
    name: ModelName,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Let a model go on with the version that is declared."""
    return turn("release", store, name, inventory=inventory, output=output, verbose=verbose)


def turn(deed: str, store: str, named: str, *, inventory: Path, output: Format, verbose: bool, **asked: object) -> int:
    """Ask every node; a node that stands so already is fine."""
    from edgectl.cli import store as stores
    from edgectl.cli.registry.nodes import asked as ask
    from edgectl.cli.registry.nodes import code, document
    from edgectl.cli.result import show
    from edgectl.control.audit.own import audited
    from edgectl.control.deploy.operator import sender

    name, _, version = named.partition("@")
    found, me = stores.find(store, inventory), sender()
    who = f"{me.user}@{me.host}"
    with audited(found.name, "models", asked={"deed": deed, "name": named}):
        answers = ask(found, "", verbose=verbose, deed=deed, name=name, version=version, who=who, **asked)
    said = [
        f"  not       {node}: {answer.message}"
        if isinstance(answer, EdgectlError)
        else f"  {node:<10}{answer.get('said', '')}"
        for node, answer in answers.items()
    ]
    text = "\n".join([f"{found.name}: {deed} {named}", *said])
    return show(output, {"store": found.name, "model": name, "nodes": document(answers)}, text, code=code(answers))
