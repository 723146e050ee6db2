"""Values that know their place in the file and the layer that said them.

Owns how layers lie over each other. Must not know YAML, nor which keys mean something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from edgectl.control.inventory.place import Place

Laid = Literal["", "append", "replace"]


@dataclass(slots=True, eq=False)
class Tree:
    """One value. `value` is a scalar, a list of trees or a dict of trees; `at` is where it stands, `key_at` its key.

    `laid` says how it lies over what is below, if not as usual; `over` is what it replaced. Trees are shared between
    stores and never changed.
    """

    value: Any
    at: Place
    key_at: Place
    layer: str = ""
    laid: Laid = ""
    over: Tree | None = None
    clean: bool = False  # whether somebody has looked through it for plain secrets and found none
    _plain: Any = field(default=None, repr=False)

    def plain(self) -> Any:
        """Return the value alone. It is made once, and belongs to all who ask: nobody changes it."""
        if isinstance(self.value, dict):
            if self._plain is None:
                self._plain = {key: child.plain() for key, child in self.value.items()}
            return self._plain
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
            elif isinstance(inside, list) and isinstance(part, int) and 0 <= part < len(inside):
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
        return self.holding(dict(kept) if isinstance(self.value, dict) else [child for _, child in kept])

    def holding(self, value: Any) -> Tree:
        """Return the same place with another value."""
        return replace(self, value=value, clean=False, _plain=None)


def merge(base: Tree | None, over: Tree | None) -> Tree | None:
    """Lay one tree over another: maps merge key by key, everything else (lists too) replaces.

    `!append` puts a list behind the one below it, `!replace` puts a map in the place of the one below it.
    """
    if base is None or over is None:
        return over if base is None else base
    if isinstance(over.value, dict) and isinstance(base.value, dict) and over.laid != "replace":
        merged = dict(base.value)
        for key, child in over.value.items():
            below = merged.get(key)
            merged[key] = child if below is None else merge(below, child)
        return Tree(merged, over.at, over.key_at, over.layer, base.laid, base)
    if over.laid == "append" and isinstance(over.value, list) and isinstance(base.value, list):
        return Tree([*base.value, *over.value], over.at, over.key_at, over.layer, base.laid, base)
    return Tree(over.value, over.at, over.key_at, over.layer, over.laid, base)
