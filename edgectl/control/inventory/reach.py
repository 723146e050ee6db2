"""How a store's server is reached, told before the inventory is looked through: a connection takes longer than that.

Owns a guess that is never believed: who connects early compares with the resolved store before a word is said.
Imports nothing heavy; that is what it is for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.control.inventory.jump import guessed
from edgectl.control.inventory.layers import Layers
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.store import SshTarget, folder_of
from edgectl.control.policy.versions import meant_for
from edgectl.wire.errors import EdgectlError


def reach(source: Source, name: str) -> tuple[str, SshTarget] | None:
    """Return the server's name and how it is reached; None where that is not plain to see, or anything is wrong."""
    try:
        layers = Layers(source)
        tree, findings = layers.store(name)
        nodes = [(node, *layers.node(name, tree, node)) for node in tree.nearest("nodes").plain() or {}]
        leads = [found for found in nodes if found[1].plain().get("role", "server") == "server"]
        build = layers.source.build
        if build.findings or ("edgectl" in build.top and not meant_for(str(build.top["edgectl"].value))):
            return None  # this edgectl is not meant to deploy it
        if tree.get("secrets") is not None or tree.get("policy") is not None:
            return None  # what may stand against a deploy is said before a node hears of it
        if len(nodes) != 1 or len(leads) != 1 or findings or leads[0][2]:
            return None  # with several nodes their content goes first, and an early connection would only wait
        node, merged, _ = leads[0]
        if _is_deploy_user(merged.plain()):
            return None  # what must be signed first is signed for a store that is known
        return node, _target(merged.plain(), folder_of(source.path))
    except (EdgectlError, KeyError, TypeError, ValueError, AttributeError, RuntimeError):
        return None


def _is_deploy_user(node: dict[str, Any]) -> bool:
    users = (node.get("host") or {}).get("users") or {}
    return users.get((node.get("ssh") or {}).get("user", "root")) is not None


def _target(node: dict[str, Any], folder: Path) -> SshTarget:
    """Return the target; any of the errors above when something is not as it should be."""
    ssh = node.get("ssh") or {}
    if ssh.get("sudo_password"):
        raise ValueError("a password is resolved later")
    kind, data = node["host_key"].split()[:2]
    return SshTarget(
        host=str(ssh.get("host") or node["address"]),
        port=int(ssh.get("port", 22)),
        user=str(ssh.get("user", "root")),
        host_key=f"{kind} {data}",
        keys=tuple(folder / Path(key).expanduser() for key in ssh.get("keys", ())),
        agent=bool(ssh.get("agent", True)),
        connect_seconds=float(ssh.get("connect_seconds", 15.0)),
        jump=guessed(ssh.get("jump", ()), folder),
    )
