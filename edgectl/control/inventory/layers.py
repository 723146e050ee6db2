"""The order in which an inventory's layers lie over each other: defaults, profile, groups, store, node.

Owns that order and the names of layers. Must not know what a key means, but those that name layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.control.inventory.place import Finding, nearest
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.tree import Tree, merge

# what can be said for one node as well as for many: a test holds this and schema.NodeLayer together
NODE_KEYS = ("profile", "ssh", "host", "k3s", "hardware", "gpu", "install")


@dataclass(slots=True)
class Layers:
    """The layers of one file. What several stores share is laid over each other once."""

    source: Source
    _shared: dict[tuple[str, tuple[str, ...]], Tree | None] = field(default_factory=dict)

    def named(self, section: str) -> dict[str, Tree]:
        """Return the layers of a section ("groups", "profiles") by name."""
        found = self.source.build.top.get(section)
        return found.value if found is not None and isinstance(found.value, dict) else {}

    def store(self, name: str) -> tuple[Tree, list[Finding]]:
        """Return one store's tree (defaults, profile, its groups in their order, its own), and names that lead nowhere.

        KeyError when there is no such store.
        """
        entry = self.source.entry(name)
        if entry is None:
            raise KeyError(name)
        own = entry.tree if entry.tree.value is not None else entry.tree.holding({})
        findings = list(entry.findings)
        groups = self._groups(own, findings)
        profile = self._profile(own, groups, findings)
        return merge(self._below(profile, groups), own) or own, findings

    def node(self, of: str, store: Tree, name: str) -> tuple[Tree, list[Finding]]:
        """Return one node's tree, of the store `of`: what the store says for all nodes, then its own.

        A node with a profile of its own takes that in the place of its store's.
        """
        own = store.nearest("nodes", name)
        if own.value is None:
            own = own.holding({})
        findings: list[Finding] = []
        below = store
        said = own.get("profile")
        if said is not None and isinstance(said.value, str) and said.value:
            entry, profile = self.source.entry(of), self._known("profiles", said, findings)
            below = merge(self._below(profile, self._groups(store, [])), entry.tree if entry else None) or store
        shared = {key: child for key, child in below.items() if key in NODE_KEYS}
        return merge(below.holding(shared), own) or own, findings

    def profile_of(self, groups: tuple[str, ...], own: str) -> str:
        """Return the profile that holds for a store with these groups: its own, else the last one that was named."""
        named = self.named("groups")
        layers = [self.source.build.top.get("defaults"), *(named.get(group) for group in groups)]
        said = [found.value for layer in layers if layer and (found := layer.get("profile")) and found.value]
        return own or (str(said[-1]) if said else "")

    def _groups(self, own: Tree, findings: list[Finding]) -> tuple[str, ...]:
        groups, known = own.get("groups"), self.named("groups")
        listed = groups.value if groups is not None and isinstance(groups.value, list) else []
        found: list[str] = []
        for group in listed:
            name = group.value
            if not isinstance(name, str):
                continue  # the schema says so
            if name not in known:
                findings.append(Finding(group.at, f'there is no group "{name}".{nearest(name, known)}'))
            elif name in found:
                findings.append(Finding(group.at, f'group "{name}" is there twice, and its layer can lie in one place'))
            else:
                found.append(name)
        return tuple(found)

    def _profile(self, own: Tree, groups: tuple[str, ...], findings: list[Finding]) -> str:
        named = self.named("groups")
        for layer in (own, *(named[group] for group in reversed(groups)), self.source.build.top.get("defaults")):
            said = layer.get("profile") if layer is not None else None
            if said is not None and isinstance(said.value, str) and said.value:
                return self._known("profiles", said, findings)
        return ""

    def _known(self, section: str, said: Tree, findings: list[Finding]) -> str:
        known = self.named(section)
        if said.value in known:
            return str(said.value)
        sentence = f'there is no {section.removesuffix("s")} "{said.value}".{nearest(said.value, known)}'
        findings.append(Finding(said.at, sentence))
        return ""

    def _below(self, profile: str, groups: tuple[str, ...]) -> Tree | None:
        """Return what lies below a store: defaults, its profile, its groups."""
        key = (profile, groups)
        if key not in self._shared:
            merged = _map(self.source.build.top.get("defaults"))
            if profile:
                merged = merge(merged, _map(self.named("profiles")[profile]))
            for group in groups:
                merged = merge(merged, _map(self.named("groups")[group]))
            self._shared[key] = merged
        return self._shared[key]


def _map(layer: Tree | None) -> Tree | None:
    """Return a layer that is a map; what else stands there has a finding already."""
    return layer if layer is not None and isinstance(layer.value, dict) else None
