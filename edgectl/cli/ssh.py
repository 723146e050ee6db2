"""`edgectl ssh`: a shell on the store's node, with the pinned host key and the inventory's keys."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, InventoryPath, StoreName
from edgectl.wire.errors import Unreachable

_EPILOG = """Examples:

  edgectl ssh store-042

  edgectl ssh store-042 -- edgectl-node status"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ssh", epilog=_EPILOG)(ssh)


def ssh(
    store: StoreName,
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND ...]", help="Run this instead.")] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
) -> int:
    """Open OpenSSH's client on the node; returns its exit code."""
    from edgectl.cli import store as stores

    node = stores.find(store, inventory).node()
    with tempfile.TemporaryDirectory(prefix="edgectl-") as folder:
        known = Path(folder) / "known_hosts"
        name = node.ssh.host if node.ssh.port == 22 else f"[{node.ssh.host}]:{node.ssh.port}"  # noqa: PLR2004 - SSH's own
        known.write_text(f"{name} {node.ssh.host_key}\n")
        argv = ["ssh", "-p", str(node.ssh.port), "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
        seconds = f"{node.ssh.connect_seconds:.0f}"
        argv += ["-o", f"ConnectTimeout={seconds}", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"]
        argv += [part for key in node.ssh.keys for part in ("-i", str(key))]
        argv += [f"{node.ssh.user}@{node.ssh.host}", *(command or [])]
        sys.stdout.flush()
        try:
            return subprocess.run(argv, env=dict(os.environ), check=False).returncode
        except FileNotFoundError as error:
            raise Unreachable("no ssh client is installed here", hint="install openssh-client") from error
