"""The order in which an inventory's layers lie over each other: defaults, groups, store, node.

Owns that order and the names of layers. Must not know what a key means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

import yaml

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import nearest
from edgectl.control.inventory.place import Finding
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.tree import Tree, merge

_NODE_KEYS = tuple(schema.NodeLayer.model_fields)


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of one file, on demand. Findings about the YAML itself gather in `source.findings`."""

    source: Source

    def stores(self) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return every store's key and value, untouched: there may be thousands."""
        return self._section("stores")

    def top(self, name: str) -> Tree:
        """Return the whole file as a tree, with `name` as its only store, empty."""
        place = self.source.place(self.source.root)
        found: dict[str, Tree] = {}
        for key, (key_node, node) in self._entries().items():
            if key != "stores" or not isinstance(node, yaml.MappingNode):
                found[key] = self.source.tree(node, key_node)
                continue
            stores = {
                name: Tree(None, self.source.place(self.stores()[name][1]), self.source.place(self.stores()[name][0]))
            }
            found[key] = Tree(stores, self.source.place(node), self.source.place(key_node))
        return Tree(found, place, place)

    def store(self, name: str) -> Tree:
        """Return one store's tree: defaults, then its groups in their order, then its own."""
        key, node = self.stores()[name]
        own = self.source.tree(node, key)
        if own.value is None:
            own = replace(own, value={})
        merged = self._layer("defaults", self._entries().get("defaults"))
        groups = self._section("groups")
        for group in self._groups(own):
            if str(group.value) in groups:
                merged = merge(merged, self._layer(f"group {group.value}", groups[str(group.value)]))
            else:
                sentence = f'there is no group "{group.value}".{nearest(str(group.value), groups)}'
                self.source.findings.append(Finding(group.at, sentence))
        return merge(merged, own.in_layer(f"store {name}")) or own

    def node(self, store: Tree, name: str) -> Tree:
        """Return one node's tree: what its store says for all nodes, then its own."""
        own = store.nearest("nodes", name)
        if own.value is None:
            own = replace(own, value={})
        shared = {key: child for key, child in store.items() if key in _NODE_KEYS}
        return merge(replace(store, value=shared), own) or own

    def near(self, name: str) -> tuple[str, ...]:
        """Return up to three names of stores that look like `name`."""
        return tuple(get_close_matches(name, self.stores(), n=3, cutoff=0.5))

    def _entries(self) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        return self.source.entries(self.source.root, "an inventory")

    def _section(self, key: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        found = self._entries().get(key)
        return self.source.entries(found[1], key) if found else {}

    def _layer(self, layer: str, found: tuple[yaml.Node, yaml.Node] | None) -> Tree | None:
        if found is None or not isinstance(found[1], yaml.MappingNode):
            return None
        return self.source.tree(found[1], found[0]).in_layer(layer)

    def _groups(self, store: Tree) -> list[Tree]:
        groups = store.get("groups")
        return groups.value if groups is not None and isinstance(groups.value, list) else []
