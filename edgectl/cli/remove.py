"""`edgectl remove`: all that is edgectl's off the machines of a store."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, NodeName, Output, StoreName, Verbose
from edgectl.cli.sure import sure
from edgectl.wire.errors import EdgectlError, Exit, UsageError

if TYPE_CHECKING:
    from edgectl.cli.door import Door
    from edgectl.control.backup.removal import Removed
    from edgectl.control.inventory.store import Store

_EPILOG = """\b
Examples:
  edgectl remove store-042                       (asks for the store's name)
  edgectl remove store-042 --node node-2
  edgectl remove store-042 --yes-remove store-042 -o json     (asks nobody)

Releases and their data, k3s, images, units, files, settings, accounts, and
packages that only edgectl installed. What stood there before edgectl is put
back. Backups and the audit file stay in /var/lib/edgectl. A machine of
another store is left alone. Stopped in the middle, the same command goes on.

\b
Exit codes:
  0 nothing of edgectl is left    4 a machine was not reached
  8 some machines are done, others not    6 something did not go
  7 somebody deploys, or the store is paused    11 another store's machine"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("remove", epilog=_EPILOG)(remove)


def remove(
    store: StoreName,
    node: NodeName = "",
    yes: Annotated[
        str, typer.Option("--yes-remove", metavar="STORE", help="The store's name once more: nobody is asked.")
    ] = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Take all that is edgectl's off a store's machines."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors
    from edgectl.cli.result import show
    from edgectl.control.audit.own import audited
    from edgectl.control.backup.removal import looked
    from edgectl.control.deploy.everywhere import everywhere

    found = stores.find(store, inventory)
    store = found.name
    nodes = (stores.node_of(found, node),) if node else (*found.followers, found.lead)
    opened = doors(nodes, stores.runtime(), verbose=verbose)
    with stores.speaking_of(store):
        seen = everywhere({name: partial(looked, door.open, store) for name, door in opened.items()})
        refused = [one for one in seen.values() if isinstance(one, EdgectlError)]
        if refused:  # before anybody is asked, and before anything goes
            raise refused[0]
        _sure(store, yes, [name for name, one in seen.items() if isinstance(one, dict) and one["op"] == "removable"])
        with audited(store, "remove", asked={"name": ", ".join(opened)}) as learnt:
            done = {name: _remove(name, door, store) for name, door in opened.items()}
            gone = not any(isinstance(one, EdgectlError) for one in done.values())
            learnt["outcome"] = {"exit": int(Exit.OK if gone else Exit.PARTIAL)}
        known = _forget(found, node, verbose=verbose) if gone and found.lead.name not in opened else ""
    failed = {name: one for name, one in done.items() if isinstance(one, EdgectlError)}
    if len(failed) == len(done):
        raise next(iter(failed.values()))
    document = {"store": store, "nodes": {name: _document(one) for name, one in done.items()}}
    text = _text(store, done)
    if known:
        document, text = {**document, "still_known": known}, f"{text}\n  {known}"
    return show(output, document, text, code=Exit.PARTIAL if failed or known else Exit.OK)


def _sure(store: str, yes: str, nodes: list[str]) -> None:
    """Have the store's name typed once more, by somebody who sees what goes; UsageError else."""
    if yes and yes != store:
        raise UsageError(f"--yes-remove {yes} is not {store}", hint="nothing was changed")
    if yes or not nodes:
        return
    sure(
        store,
        f"{', '.join(nodes)} will be bare: releases with their data, events that have not been sent, k3s,\n"
        "images, files, accounts and packages of edgectl go. Backups and the audit file stay there.",
        unasked="removed",
        hint=f"--yes-remove {store} says that it is meant",
    )


def _remove(name: str, door: Door, store: str) -> Removed | EdgectlError:
    from edgectl.control.backup.removal import remove as take

    try:
        return take(door.open, store, lambda what: _say(name, what))
    except EdgectlError as error:
        return error


def _forget(found: Store, node: str, *, verbose: bool) -> str:
    """Let the lead forget a node that is bare now, that it may join again; returns why it could not, "" else."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import Door
    from edgectl.control.audit.own import audited
    from edgectl.control.backup.fetch import forget, hello

    lead = Door(found.lead.name, found.lead.ssh, stores.runtime(), verbose=verbose)
    try:
        if hello(lead.open).get("newest") is None:  # it leads nothing, and knows nobody
            return ""
        with audited(found.name, "forget-node", asked={"name": node}):
            for gone in forget(lead.open, node, anyway=True):
                _say(found.lead.name, f"{gone}, out of the cluster")
    except EdgectlError as error:
        return f"the cluster still knows {node}: {error.message}; the same command asks {found.lead.name} again"
    return ""


def _say(name: str, what: str) -> None:
    sys.stderr.write(f"  removing  {name}: {what}\n")


def _document(one: Removed | EdgectlError) -> dict[str, object]:
    if isinstance(one, EdgectlError):
        return one.to_json()
    return {"nothing": one.nothing, "left": one.left, "kept": one.kept}


def _text(store: str, done: dict[str, Removed | EdgectlError]) -> str:
    lines = []
    for name, one in done.items():
        if isinstance(one, EdgectlError):
            lines.append(f"{store}/{name} is not removed: {one.message}")
            continue
        lines.append(f"{store}/{name} has nothing of edgectl" if one.nothing else f"{store}/{name} is removed")
        lines += [f"  stays     {path} (a folder of pods that may be somebody else's)" for path in one.left]
        lines += [f"  stays     {path}" for path in one.kept]
    return "\n".join(lines)
