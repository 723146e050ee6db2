"""Where each value of a store comes from: the layer, the line, and what it replaced.

Owns paths as people write them (`k3s.config.disable`). Must not judge what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import by_key, fields_at, keys_at
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.place import Place, nearest
from edgectl.control.inventory.tree import Tree
from edgectl.wire.errors import UsageError

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Said:
    """One value, as one layer said it. `place` is None for what edgectl itself says."""

    value: Any
    layer: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Explained:
    """One value of a store: what holds, and what it replaced, the newest first."""

    path: str
    said: Said
    over: tuple[Said, ...] = ()


def explain(inventory: Inventory, store: str, path: str = "") -> list[Explained]:
    """Return every value at or below a path of the store, in the order of the layers' keys.

    UsageError when the path leads nowhere; the store need not be right for that.
    """
    tree = inventory.tree(store)
    parts = _parts(tree, path)
    found: Tree | None = tree
    own = _of_nodes(tree)
    if parts[:1] == ["nodes"] and len(parts) > 1 and tree.get("nodes", parts[1]) is not None:
        tree = inventory.node_tree(store, tree, parts[1])
        inside = _parts(tree, path.removeprefix(f"nodes.{parts[1]}").removeprefix("."))  # as the node has it
        parts, found = [*parts[:2], *inside], tree.get(*_steps(tree, inside))
    elif parts:
        found = tree.get(*_steps(tree, parts))
    if found is None:
        return [_built_in(store, tree, parts)]
    return list(_below(found, ".".join(parts), own))


def _of_nodes(tree: Tree) -> dict[Place, str]:
    """Return what nodes say themselves, by its place: the layer above the store's."""
    nodes, found = tree.get("nodes"), {}
    left = [(child, f"node {name}") for name, child in nodes.items()] if nodes is not None else []
    while left:
        here, layer = left.pop()
        if here.layer.startswith("store "):  # else an alias of something further up
            found[here.at] = layer
        inside = here.value.values() if isinstance(here.value, dict) else here.value
        left += [(child, layer) for child in inside] if isinstance(here.value, dict | list) else []
    return found


def _parts(tree: Tree, path: str) -> list[str]:
    """Split a path; a key that has dots itself (a sysctl, a label) is found whole."""
    words = path.split(".") if path else []
    parts: list[str] = []
    here: Tree | None = tree
    while words:
        longest = next(
            (
                count
                for count in range(len(words), 1, -1)
                if here is not None and isinstance(here.value, dict) and ".".join(words[:count]) in here.value
            ),
            1,
        )
        part = ".".join(words[:longest])
        parts.append(part)
        here = here.get(*_steps(here, [part])) if here is not None else None
        words = words[longest:]
    return parts


def _steps(tree: Tree, parts: list[str]) -> list[str | int]:
    """Make numbers of what are positions of a list."""
    steps: list[str | int] = []
    here: Tree | None = tree
    for part in parts:
        step: str | int = int(part) if here is not None and isinstance(here.value, list) and part.isdecimal() else part
        steps.append(step)
        here = here.get(step) if here is not None else None
    return steps


def _below(tree: Tree, path: str, own: dict[Place, str]) -> Iterator[Explained]:
    if isinstance(tree.value, dict) and tree.value:
        for key, child in tree.value.items():
            yield from _below(child, f"{path}.{key}" if path else key, own)
        return
    over: list[Said] = []
    below = tree.over
    while below is not None:
        over.append(Said(below.plain(), own.get(below.at, below.layer), below.at))
        below = below.over
    yield Explained(path, Said(tree.plain(), own.get(tree.at, tree.layer), tree.at), tuple(over))


def _built_in(store: str, tree: Tree, parts: list[str]) -> Explained:
    """Return what edgectl says where nobody does; UsageError for what it does not know."""
    nodes = tree.nearest("nodes").value if parts[0] == "nodes" else {}
    if len(parts) > 1 and parts[0] == "nodes" and tree.get("nodes") is not None and parts[1] not in (nodes or {}):
        near = nearest(parts[1], nodes if isinstance(nodes, dict) else ()).strip()
        raise UsageError(f"{store} has no {'.'.join(parts)}", hint=near or f"edgectl explain {store} shows all of it")
    model, rest = (schema.Node, parts[2:]) if parts[0] == "nodes" and len(parts) > 1 else (schema.Store, parts)
    path = ".".join(parts)
    inside = fields_at(model, tuple(rest[:-1]))
    if inside is not None and rest and rest[-1] in by_key(inside):
        field = by_key(inside)[rest[-1]]
        return Explained(path, Said(field.get_default(call_default_factory=True), BUILT_IN, None))
    known = [*keys_at(model, tuple(rest[:-1])), *(key for key, _ in tree.nearest(*rest[:-1]).items())]
    near = nearest(rest[-1] if rest else "", known).strip()
    raise UsageError(f"{store} has no {path}", hint=near or f"edgectl explain {store} shows all of it")
