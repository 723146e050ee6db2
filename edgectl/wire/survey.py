"""The question before a deploy: what a node is meant to become, as far as looking at the bare machine needs it.

Owns: this shape. It is much smaller than a payload, and there is one without a bundle, too.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from edgectl.wire.document import is_digest
from edgectl.wire.host import Machine
from edgectl.wire.k3s import Versions
from edgectl.wire.payload import Gpu

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")


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
    k3s: Versions | None = None


def unfit(declared: Declared) -> str:
    """Return what of a question is no address, name or digest, "" where all is: they go to programs and file names."""
    for address in (declared.address, declared.lead):
        if address and not _is_address(address):
            return f"{address!r:.80} is no address"
    for name in declared.names:
        if not _NAME.fullmatch(name) and not _is_address(name):
            return f"{name!r:.80} is no name of a server"
    digest = next((digest for digest in declared.blobs if not is_digest(digest)), "")
    return f"{digest!r:.80} is no digest" if digest else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone may hold anything
