"""A jump host: a machine that the operator's connection goes through on its way to a node.

Owns the shape. Imports nothing heavy: early connections are begun with it (reach.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgectl.control.inventory.jump_schema import Jump


@dataclass(frozen=True, slots=True)
class JumpTarget:
    """How to be let in there. `host_key` is its pinned public key, `keys` are private key files."""

    host: str
    port: int
    user: str
    host_key: str
    keys: tuple[Path, ...] = ()
    agent: bool = True


def jumps(asked: Iterable[Jump], folder: Path) -> tuple[JumpTarget, ...]:
    """Return the jump hosts of a node in the order of the way; `folder` is where the inventory lies."""
    return tuple(
        _jump(one.host, one.port, one.user, one.host_key, one.keys, folder=folder, agent=one.agent) for one in asked
    )


def guessed(asked: Iterable[dict[str, Any]], folder: Path) -> tuple[JumpTarget, ...]:
    """Return the same of what nobody has looked through; KeyError or ValueError when something is not as it should."""
    return tuple(
        _jump(
            str(one["host"]),
            int(one.get("port", 22)),
            str(one["user"]),
            str(one["host_key"]),
            [str(key) for key in one.get("keys", ())],
            folder=folder,
            agent=bool(one.get("agent", True)),
        )
        for one in asked
    )


def _jump(
    host: str, port: int, user: str, host_key: str, keys: Iterable[str], *, folder: Path, agent: bool
) -> JumpTarget:
    found = tuple(folder / os.path.expanduser(key) for key in keys)  # noqa: PTH111 - Path's own raises for an unknown home
    return JumpTarget(host, port, user, " ".join(host_key.split()[:2]), found, agent)
