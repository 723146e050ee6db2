"""Values that know their place in the file and the layer that said them.

Owns how layers lie over each other. Must not know YAML, nor which keys mean something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from edgectl.control.inventory.place import Place


@dataclass(frozen=True, slots=True)
class Tree:
    """One value. `value` is a scalar, a list of trees or a dict of trees; `at` is where it stands, `key_at` its key."""

    value: Any
    at: Place
    key_at: Place
    layer: str = ""

    def plain(self) -> Any:
        """Return the value alone."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def get(self, *path: str | int) -> Tree | None:
        """Return the value at a path of keys and list positions, None where there is none."""
        here: Tree | None = self
        for part in path:
            inside = here.value if here is not None else None
            if isinstance(inside, dict):
                here = inside.get(part)
            elif isinstance(inside, list) and isinstance(part, int) and part < len(inside):
                here = inside[part]
            else:
                return None
        return here

    def nearest(self, *path: str | int) -> Tree:
        """Return the value at a path, or the last one on the way to it that is there."""
        for length in range(len(path), -1, -1):
            found = self.get(*path[:length])
            if found is not None:
                return found
        return self

    def items(self) -> Iterator[tuple[str, Tree]]:
        """Go over a map's entries; nothing when this is no map."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def without(self, *path: str | int) -> Tree:
        """Return the tree without what is at a path."""
        head, *rest = path
        if not isinstance(self.value, dict | list):
            return self
        pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
        kept = [(key, child.without(*rest) if key == head and rest else child) for key, child in pairs]
        kept = [(key, child) for key, child in kept if key != head or rest]
        value = dict(kept) if isinstance(self.value, dict) else [child for _, child in kept]
        return replace(self, value=value)

    def in_layer(self, layer: str) -> Tree:
        """Return the same tree as said by `layer`, all of it."""
        value = self.value
        if isinstance(value, dict):
            value = {key: child.in_layer(layer) for key, child in value.items()}
        elif isinstance(value, list):
            value = [child.in_layer(layer) for child in value]
        return replace(self, value=value, layer=layer)


def merge(base: Tree | None, over: Tree | None) -> Tree | None:
    """Lay one tree over another: maps merge key by key, everything else (lists too) replaces."""
    if base is None or over is None:
        return over if base is None else base
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(base.value)
    for key, child in over.value.items():
        merged[key] = merge(merged.get(key), child)
    return replace(over, value=merged)
