"""What of the payload follows from the store alone: its GPUs, its guard, its uplink.

Must not know bundles, charts or templates.
"""

from __future__ import annotations

from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.wire.payload import Gpu, Guard, Node, Uplink


def gpu_of(node: NodeTarget) -> Gpu | None:
    """Return what the node's GPUs are declared to be."""
    found = node.gpu
    if found is None:
        return None
    return Gpu(
        resource=found.resource,
        count=found.count,
        required=found.required,
        hold_seconds=float(found.hold_seconds),
        offers=dict(sorted(found.offers.items())),
        uuids=found.uuids,
        driver=found.driver,
        toolkit=found.toolkit,
    )


def uplink_of(store: Store) -> Uplink | None:
    """Return where the node tells of itself."""
    asked = store.uplink
    return Uplink(asked.url, asked.secret, asked.budget_bytes) if asked else None


def guard_of(store: Store, nodes: list[Node]) -> Guard | None:
    """Return what the cluster refuses: nothing where there is no GPU."""
    resources = sorted({name for node in nodes if node.gpu is not None for name in node.gpu.offered})
    return Guard(tuple(resources), store.guard.runtime_classes, store.guard.exempt) if resources else None
