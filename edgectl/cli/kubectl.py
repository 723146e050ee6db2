"""`edgectl kubectl`: kubectl on the store's first server; the admin credential stays there."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, InventoryPath, StoreName
from edgectl.wire.errors import UsageError

_EPILOG = """Examples:

  edgectl kubectl store-042 -- get pods -A

  edgectl kubectl store-042 -- -n vision logs deploy/inference"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("kubectl", epilog=_EPILOG)(kubectl)


def kubectl(
    store: StoreName,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="-- ARGUMENTS ...", help="kubectl's own.")] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
) -> int:
    """Run kubectl over SSH; returns its exit code."""
    from edgectl.cli.ssh import ssh
    from edgectl.cli.store import find

    if not arguments:
        raise UsageError("kubectl needs arguments", hint=f"edgectl kubectl {store} -- get pods -A")
    user = find(store, inventory).node().ssh.user
    sudo = [] if user == "root" else ["sudo", "-n"]
    words = [*sudo, "/usr/local/bin/k3s", "kubectl", *arguments]
    return ssh(store, [shlex.join(words)], inventory)
