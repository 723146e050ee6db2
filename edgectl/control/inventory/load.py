"""The inventory file, opened: names of all stores at once, one store resolved when it is asked for.

Owns how findings of all kinds come together in one error. Must not know the bundle, nor any node's state.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where, fit
from edgectl.control.inventory.layers import Layers
from edgectl.control.inventory.place import invalid
from edgectl.control.inventory.resolve import inference, node_target, releases
from edgectl.control.inventory.rules import Subject, node_findings, store_findings
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.store import Store
from edgectl.wire.errors import InvalidInput

_SHOWN = 5  # names in a hint
_NODE_KEYS = tuple(schema.NodeLayer.model_fields)


@dataclass(frozen=True, slots=True)
class Inventory:
    """One inventory file, parsed once. `store` looks at the file's top level and at that one store, at no other."""

    path: Path
    source: Source

    def names(self) -> tuple[str, ...]:
        """Return the names of all stores, in the order of the file."""
        return tuple(Layers(self.source.fresh()).stores())

    def store(self, name: str) -> Store:
        """Return one store, resolved; InvalidInput lists all that is wrong, each with file:line:column."""
        layers = Layers(self.source.fresh())
        if name not in layers.stores():
            raise self._unknown(name, layers)
        whole = layers.top(name)
        top, _, findings = fit(schema.Inventory, whole, "")
        tree = layers.store(name)
        store, bad, unfit = fit(schema.Store, tree, name)
        said = {finding.place for finding in findings}
        found = [*findings, *(finding for finding in unfit if finding.place not in said)]
        nodes = {node: layers.node(tree, node) for node in store.nodes or {}}
        models = {node: fit(schema.Node, own, node)[0] for node, own in nodes.items()}
        found += store_findings(store, models, Subject(name, tree, bad))
        for node, own in nodes.items():
            found += node_findings(node, models[node], Subject(name, own, _bad_of(node, bad)))
        broken = {finding.place for finding in layers.source.findings}
        found = [*layers.source.findings, *(finding for finding in found if finding.place not in broken)]
        if found:
            raise invalid(self.path, found)
        folder = self.path.resolve().parent
        return Store(
            name=name,
            title=store.title,
            nodes=tuple(node_target(node, model, folder) for node, model in models.items()),
            releases=releases(store),
            images=tuple(store.images or ()),
            helm_version=store.helm.version or "" if store.helm else "",
            inference=inference(store.inference, folder),
            source=self.path,
            bundle=(folder / Path(top.bundle).expanduser()).resolve(),
            bundle_at=whole.nearest("bundle").at,
            tree=tree,
        )

    def _unknown(self, name: str, layers: Layers) -> InvalidInput:
        names, near = tuple(layers.stores()), layers.near(name)
        if not names:
            found = layers.source.findings
            return (
                invalid(self.path, found) if found else InvalidInput(f"{self.path} has no stores yet", docs="inventory")
            )
        first = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Its {len(names)} stores are: {first}"
        return InvalidInput(f'{self.path} has no store "{name}"', hint=hint, docs="inventory")


def load(path: Path) -> Inventory:
    """Open an inventory; InvalidInput when it is missing or no YAML. Stores are looked at when they are asked for."""
    return Inventory(path=path, source=Source.read(path))


def _bad_of(node: str, bad: frozenset[Where]) -> frozenset[Where]:
    """Return the paths of a store's tree that do not fit, as paths of the node's tree."""
    own = {path[2:] for path in bad if path[:2] == ("nodes", node)}
    return frozenset(own | {path for path in bad if not path or path[0] in _NODE_KEYS})
