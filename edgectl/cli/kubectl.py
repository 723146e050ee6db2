"""`edgectl kubectl`: kubectl on the store's first server; the admin credential stays there."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import UsageError

_EPILOG = """\b
Examples:
  edgectl kubectl store-042 -- get pods -A
  edgectl kubectl store-042 -- -n vision logs deploy/inference
  edgectl kubectl store-042 -- get nodes -o yaml

What stands behind -- is kubectl's own; so is the exit code (4 when the node
was not reached)."""

Arguments = Annotated[list[str] | None, typer.Argument(metavar="ARGUMENTS", help="kubectl's own, behind --.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("kubectl", epilog=_EPILOG)(kubectl)


def kubectl(
    store: StoreName,
    arguments: Arguments = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Run kubectl on the store's node."""
    import shlex

    from edgectl.cli.ssh import run_there
    from edgectl.cli.store import find

    if not arguments:
        raise UsageError("kubectl needs arguments", hint=f"edgectl kubectl {store} -- get pods -A")
    node = find(store, inventory).lead
    sudo = [] if node.ssh.user == "root" else ["sudo", "-n"]
    words = [*sudo, "/usr/local/bin/k3s", "kubectl", *arguments]
    return run_there(store, node, [shlex.join(words)], output=output, verbose=verbose)
