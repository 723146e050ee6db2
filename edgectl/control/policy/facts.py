"""What rules know of a store besides its payload.

Owns the names of the facts in docs/policy.md. Must not know which rule asks for them.
"""

from __future__ import annotations

from typing import Any

from edgectl.control.inventory.store import Store


def facts(store: Store) -> dict[str, Any]:
    """Return the facts of a resolved store: what its pods are told, and its nodes as rules like to count them."""
    nodes = [
        {
            "name": node.name,
            "role": node.role,
            "gpus": node.gpu.count if node.gpu is not None else 0,
            "driver": _said(store, node.name).get("driver", ""),
        }
        for node in store.nodes
    ]
    gpus = sum(node.gpu.count for node in store.nodes if node.gpu is not None)
    known = {"name": store.name, "title": store.title, "groups": list(store.groups), "profile": store.profile}
    guard = {"exempt": list(store.guard.exempt), "runtime_classes": list(store.guard.runtime_classes)}
    return {**store.facts, **known, "gpus": gpus, "nodes": nodes, "guard": guard}


def _said(store: Store, node: str) -> dict[str, Any]:
    said: dict[str, Any] = store.facts.get("nodes", {}).get(node, {}).get("gpu", {})
    return said
