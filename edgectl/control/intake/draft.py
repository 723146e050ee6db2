"""What an import makes: layers, stores, where each value came from, and what was not taken over.

Owns the shape between the readers of other inventories and the writer of ours. Must not know either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.inventory.place import Place

Path = tuple[str, ...]
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stood: a place in a table, or the words that name it where there are no lines."""

    place: Place | None = None
    words: str = ""

    def __str__(self) -> str:
        return str(self.place) if self.place else self.words


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that cannot be taken over; nothing is written then."""

    origin: Origin
    sentence: str


@dataclass(frozen=True, slots=True)
class Left:
    """A value that was not taken over. `layer` is the path of the layer that it would have belonged to."""

    layer: Path
    name: str
    where: str
    why: str


@dataclass(slots=True)
class Draft:
    """An inventory in the making. `sections` are its named layers; values are JSON."""

    source: str
    defaults: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    stores: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)

    def put(self, path: Path, value: Any, origin: Origin) -> None:
        """Set the value at a path of the inventory: ("stores", "store-042", "title")."""
        here: dict[str, Any] = {
            "defaults": self.defaults,
            "profiles": self.profiles,
            "groups": self.groups,
            "stores": self.stores,
        }[path[0]]
        for key in path[1:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = value
        self.origins[path] = origin

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return all layers, without sections that are empty; stores are there always."""
        found = {"defaults": self.defaults, "profiles": self.profiles, "groups": self.groups}
        return {**{name: section for name, section in found.items() if section}, "stores": self.stores}


def read(tree: Any, path: Iterable[str]) -> Any:
    """Return the value at a path of nested maps, None where there is none."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def name_of(text: str) -> str:
    """Return a text as a name of ours: lower-case letters, digits and "-", up to 63 of them; maybe none is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST].rstrip("-")
