"""Nodes whose host key is not known yet: how they would be reached.

Owns that question alone: such a store is no valid one, so nothing else of it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edgectl.control.inventory.jump import JumpTarget, jumps
from edgectl.control.inventory.jump_schema import Jump
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.store import folder_of
from edgectl.control.inventory.tree import Tree

_PORT, _SECONDS = 22, 15.0  # as schema.Ssh has them
_PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True)
class Unpinned:
    """One node. `pinned` is the host key that the inventory has, "" for none; `wrong` says why it cannot be asked."""

    store: str
    node: str
    line: int
    host: str = ""
    port: int = _PORT
    connect_seconds: float = _SECONDS
    pinned: str = ""
    wrong: str = ""
    jump: tuple[JumpTarget, ...] = ()

    @property
    def name(self) -> str:
        """Return `store-042/node-1`."""
        return f"{self.store}/{self.node}"


def unpinned(inventory: Inventory, stores: Iterable[str], *, again: bool = False) -> Iterator[Unpinned]:
    """Yield the nodes of these stores that have no host key; `again`: those that have one, too."""
    folder = folder_of(inventory.source.path)
    for store in stores:
        tree = inventory.tree(store)
        for node, own in tree.nearest("nodes").items() if tree.get("nodes") else ():
            found = _node(store, node, own, inventory.node_tree(store, tree, node), folder)
            if again or not found.pinned:
                yield found


def _node(store: str, node: str, own: Tree, merged: Tree, folder: Path) -> Unpinned:
    ssh, pinned = _plain(merged, "ssh"), _plain(merged, "host_key")
    ssh = ssh if isinstance(ssh, dict) else {}
    host, port = ssh.get("host") or _plain(merged, "address"), ssh.get("port", _PORT)
    seconds = ssh.get("connect_seconds", _SECONDS)
    line = own.key_at.line
    if not isinstance(host, str) or not host:
        return Unpinned(store, node, line, wrong="it has no address: address: 10.77.0.11")
    if not isinstance(port, int) or port not in _PORTS:
        return Unpinned(store, node, line, host, wrong=f"ssh.port: a port is needed, not {port}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return Unpinned(store, node, line, host, wrong=f"ssh.connect_seconds: seconds are needed, not {seconds}")
    try:
        jump = jumps([Jump.model_validate(one) for one in ssh.get("jump") or ()], folder)
    except (ValidationError, TypeError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "a list of hosts is needed"
        return Unpinned(store, node, line, host, wrong=f"ssh.jump: {why}")
    known = pinned if isinstance(pinned, str) else ""
    return Unpinned(store, node, line, host, port, float(seconds), known, jump=jump)


def _plain(tree: Tree, key: str) -> object:
    found = tree.get(key)
    return found.plain() if found is not None else None
