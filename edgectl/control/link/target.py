"""Where a node is and how to be let in: what the link needs of the inventory, and nothing else.

Owns the shape and the words for a place in sentences. Must not know stores, payloads or the inventory file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.link.secret import Secret


@dataclass(frozen=True, slots=True)
class Started:
    """What lets a node start an engine for an account that is not root's: whose key has signed what."""

    name: str  # SHA256:...
    statement: bytes
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One node's SSH door.

    `host_key` is the pinned line, "ssh-ed25519 AAAA..." (a comment may follow). `keys` are private key files, tried
    before the agent's keys; none means ssh's usual ones. `password` is for sudo, never for the login. `sign` is there
    where the user comes in by the node's launcher: for the digest and size of an engine that the node has not accepted.
    `jump` are the hosts on the way, the nearest to the operator first, each with a door and a pinned key of its own.
    """

    node: str
    host: str
    host_key: str
    port: int = 22
    user: str = "root"
    keys: tuple[Path, ...] = ()
    agent: bool = True
    password: Secret | None = None
    sign: Callable[[str, int], Started] | None = None
    jump: tuple[Target, ...] = ()
    connect_seconds: float = 15.0  # for each of: TCP, key exchange, log-in; 600 ms links need about 4 s in all
    silence_seconds: float = 18.0  # a living peer answers the probes, four in that time

    @property
    def where(self) -> str:
        """Name the node and its door, for sentences."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.node} ({self.user}@{host}:{self.port})"
