"""What rules know of a store besides its payload.

Owns the names of the facts in docs/policy.md. Must not know which rule asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgectl.control.inventory.store import Store


def facts(store: Store, *, groups: Iterable[str] = (), profile: str = "", **more: Any) -> dict[str, Any]:
    """Return the facts of a resolved store; `more` are those that only the caller knows."""
    nodes = [
        {
            "name": node.name,
            "role": node.role,
            "gpus": node.gpu.count if node.gpu is not None else 0,
            "driver": str(getattr(node.gpu, "driver", None) or ""),
        }
        for node in store.nodes
    ]
    gpus = sum(node.gpu.count for node in store.nodes if node.gpu is not None)
    known = {"name": store.name, "title": store.title, "groups": list(groups), "profile": profile}
    return {**known, "gpus": gpus, "nodes": nodes, **more}
