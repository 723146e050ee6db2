"""The question before a deploy: what a node is meant to become, as far as looking at the bare machine needs it.

Owns: this shape. It is much smaller than a payload, and there is one without a bundle, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.wire.host import Machine
from edgectl.wire.payload import Gpu


@dataclass(frozen=True, slots=True)
class Declared:
    """One node, as the inventory has it; what is empty is not compared."""

    store: str = ""
    node: str = ""
    role: str = "server"
    address: str = ""
    lead: str = ""  # address of the server that an agent joins
    arch: str = ""  # amd64, arm64
    machine: Machine | None = None
    gpu: Gpu | None = None
    free_bytes: int = 0  # needed before anything is changed
    blobs: dict[str, int] = field(default_factory=dict)  # digest -> bytes: all that the node must hold
    packages: tuple[str, ...] = ()  # names of those that a deploy installs
    releases: tuple[str, ...] = ()  # namespace/name
    names: tuple[str, ...] = ()  # that must resolve: servers of time, the uplink
    take_over: bool = False
