"""What of a store's images is the bundle's to bring. Pure.

Owns two rules: what every node runs whatever the charts say, and what nodes pull from a registry themselves.
"""

from __future__ import annotations

from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.payload.images import COREDNS, PAUSE, host_of


def every_node_needs(store: Store) -> tuple[str, ...]:
    """Return the repositories without which no pod runs, and no name is found."""
    disabled = [node.k3s.config.get("disable", ()) for node in store.nodes]
    return (PAUSE,) if all("coredns" in names for names in disabled) else (PAUSE, COREDNS)


def pulled(store: Store, ref: str) -> bool:
    """Say whether every node has a registry configured from which this image is pulled."""
    return all(_is_configured(node, host_of(ref)) for node in store.nodes)


def _is_configured(node: NodeTarget, host: str) -> bool:
    registries = node.k3s.registries or {}
    known = [*(registries.get("mirrors") or {}), *(registries.get("configs") or {})]
    return host in known or "*" in known
