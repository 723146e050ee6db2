"""`edgectl ssh`: a shell on the store's node, with the pinned host key and the inventory's keys.

Owns OpenSSH's command line. The link of deploy and status is another one (control/link).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, NodeName, Output, StoreName, Verbose
from edgectl.wire.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from edgectl.control.inventory.store import NodeTarget

_EPILOG = """\b
Examples:
  edgectl ssh store-042
  edgectl ssh store-042 -- sudo edgectl-node status
  edgectl ssh store-042 -o json -- uname -r     (its output as a document)

The exit code is the remote command's own; 4 when the node was not reached."""
_NOT_REACHED = 255  # what OpenSSH's client ends with then
_CONFIG = "config"  # beside the pinned host keys

Command = Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="Run this instead of a shell.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ssh", epilog=_EPILOG)(ssh)


def ssh(
    store: StoreName,
    command: Command = None,
    node: NodeName = "",
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Open a shell on the store's node, or run one command there."""
    from edgectl.cli import store as stores

    there = stores.node_of(stores.find(store, inventory), node)
    if output is Format.JSON and not command:
        raise UsageError(
            "a shell has no JSON document", hint=f"name a command: edgectl ssh {store} -o json -- uname -r"
        )
    return run_there(store, there, command or [], output=output, verbose=verbose)


def run_there(store: str, node: NodeTarget, words: list[str], *, output: Format, verbose: bool) -> int:
    """Run OpenSSH's client; returns the remote exit code. Unreachable when it did not get there."""
    import os
    import shlex
    import subprocess
    import tempfile

    from edgectl.cli.result import show
    from edgectl.cli.signed import need_root

    need_root(node, "a command of your own" if words else "a shell")
    as_document = output is Format.JSON
    with tempfile.TemporaryDirectory(prefix="edgectl-") as folder:
        known = Path(folder) / "known_hosts"
        known.write_text(f"{node.name} {node.ssh.host_key}\n")
        if node.ssh.jump:
            (Path(folder) / _CONFIG).write_text(config(node, Path(folder)))
        argv = arguments(node, known, words, batch=as_document)
        if verbose:
            sys.stderr.write(f"  run       {shlex.join(argv)}\n")
        sys.stdout.flush()
        try:
            # A person's own session, or what a person has asked for: it lasts as long as they like.
            ended = subprocess.run(argv, env=dict(os.environ), check=False, capture_output=as_document)
        except FileNotFoundError as error:
            raise Unreachable("no ssh client is installed here", hint="apt-get install openssh-client") from error
    if ended.returncode == _NOT_REACHED:
        said = (ended.stderr or b"").decode("utf-8", "replace").splitlines()
        raise Unreachable(
            f"ssh did not get to {node.name} ({node.ssh.user}@{node.ssh.host}:{node.ssh.port})",
            hint=f"its own words stand above; `edgectl status {store}` says more about what is wrong with the link",
            details=tuple(said[-5:]),
        )
    if not as_document:
        return ended.returncode
    out, err = (part.decode("utf-8", "replace") for part in (ended.stdout, ended.stderr))
    return show(output, {"store": store, "stdout": out, "stderr": err}, "", code=ended.returncode)


def arguments(node: NodeTarget, known_hosts: Path, words: list[str], *, batch: bool = False) -> list[str]:
    """Return OpenSSH's command line: the pinned host key only, and no wait without an end."""
    options = {
        "HostKeyAlias": node.name,
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "ConnectTimeout": f"{node.ssh.connect_seconds:.0f}",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
        **({} if node.ssh.agent else {"IdentityAgent": "none"}),
        **({"BatchMode": "yes"} if batch else {}),
    }
    argv = ["ssh", "-p", str(node.ssh.port)]
    if node.ssh.jump:
        argv += ["-F", str(known_hosts.with_name(_CONFIG))]
        options["ProxyJump"] = _alias(len(node.ssh.jump))
    argv += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    argv += [part for key in node.ssh.keys for part in ("-i", str(key))]
    return [*argv, f"{node.ssh.user}@{node.ssh.host}", *(("--", *words) if words else ())]


def config(node: NodeTarget, folder: Path) -> str:
    """Return OpenSSH's configuration of the jump hosts, each reached through the one before; writes their pinned keys.

    A program that `ssh` starts for a jump host is given this file, and none of the options on our command line.
    """
    lines: list[str] = []
    for place, one in enumerate(node.ssh.jump, start=1):
        known = folder / f"known_hosts_{place}"
        known.write_text(f"{_alias(place)} {one.host_key}\n")
        lines += [
            f"Host {_alias(place)}",
            f"  HostName {one.host}",
            f"  Port {one.port}",
            f"  User {one.user}",
            f"  HostKeyAlias {_alias(place)}",
            f"  UserKnownHostsFile {known}",
            "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes",
            "  UpdateHostKeys no",
            f"  ConnectTimeout {node.ssh.connect_seconds:.0f}",
            "  ServerAliveInterval 5",
            "  ServerAliveCountMax 3",
            f"  ProxyJump {_alias(place - 1) if place > 1 else 'none'}",
            *(f'  IdentityFile "{key}"' for key in one.keys),
            *([] if one.agent else ["  IdentityAgent none"]),
        ]
    return "\n".join((*lines, "Match all", "  Include ~/.ssh/config", "  Include /etc/ssh/ssh_config", ""))


def _alias(place: int) -> str:
    return f"edgectl-jump-{place}"
