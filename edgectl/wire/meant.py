"""By what the one machine that the inventory means is known: said to a node before anything is brought to it.

Owns: this shape, and how it follows from a node's part of a payload. Must not know how a machine is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.wire.document import LATER
from edgectl.wire.payload import Node


@dataclass(frozen=True, slots=True)
class Meant:
    """What is empty is not compared. `gpu_count`: so many cards are meant, of which `gpus` names some."""

    serial: str = field(default="", metadata=LATER)
    macs: tuple[str, ...] = field(default=(), metadata=LATER)
    gpus: tuple[str, ...] = field(default=(), metadata=LATER)
    gpu_count: int = field(default=0, metadata=LATER)


def meant_of(node: Node) -> Meant | None:
    """Return what is declared of a node's machine; None where that is nothing."""
    machine, gpu = node.host.os.machine if node.host.os else None, node.gpu
    cards = gpu is not None and bool(gpu.uuids)
    found = Meant(
        machine.serial if machine else "",
        machine.macs if machine else (),
        gpu.uuids if gpu and cards else (),
        gpu.count if gpu and cards else 0,
    )
    return found if found != Meant() else None
