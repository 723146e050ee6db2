"""What a sandbox store consists of, as written down in its folder.

Owns: the record's shape. Must not say what runs: that is asked of the processes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.document import from_json, to_json
from edgectl.wire.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node: its address on the store's network, the operator's port to its sshd, its public host key, its GPUs.

    `bare`: it was made without a driver for them, and without the container toolkit.
    """

    name: str
    address: str
    port: int
    host_key: str
    gpu_count: int
    gpu_required: int
    bare: bool = False


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """One store."""

    name: str
    nodes: tuple[NodeRecord, ...]

    def node(self, name: str) -> NodeRecord:
        """Return one node; InvalidInput names those that exist."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise InvalidInput(
            f"Sandbox store {self.name} has no node {name!r}.",
            hint=f"It has {', '.join(node.name for node in self.nodes)}.",
        )

    def save(self, path: Path) -> None:
        """Write the record atomically."""
        staged = path.with_suffix(".new")
        staged.write_text(json.dumps(to_json(self), indent=2) + "\n")
        staged.replace(path)

    @classmethod
    def load(cls, path: Path) -> StoreRecord:
        """Read a record; InvalidInput when it is none."""
        try:
            return from_json(cls, json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"{path} is no sandbox store's record: {error}.",
                hint="edgectl sandbox clean removes what is left of it.",
            ) from error
