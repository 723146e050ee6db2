"""The inventory file, opened: names of all stores at once, one store resolved when it is asked for.

Owns how findings of all kinds come together in one error. Must not know the bundle, nor any node's state.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import edgectl
from edgectl.control.inventory import schema
from edgectl.control.inventory.accounts import account_findings
from edgectl.control.inventory.build import LAYERS, STORES
from edgectl.control.inventory.check import Where, fit, no_name
from edgectl.control.inventory.hosted import launched
from edgectl.control.inventory.layers import NODE_KEYS, Layers
from edgectl.control.inventory.path import path_error
from edgectl.control.inventory.place import Finding, invalid, nearest
from edgectl.control.inventory.policy_schema import Policy
from edgectl.control.inventory.resolve import bundle_path, resolve, trust_path
from edgectl.control.inventory.rules import Subject, node_findings, store_findings
from edgectl.control.inventory.selector import Labels, is_name, selector
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.store import Store
from edgectl.control.inventory.tree import Tree
from edgectl.control.policy.versions import meant_for
from edgectl.wire.errors import InvalidInput

_SHOWN = 5  # names in a hint
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass
class Inventory:
    """One inventory file. `store` looks at the file's top level and at that one store, at no other."""

    path: Path
    source: Source
    layers: Layers = field(init=False)

    def __post_init__(self) -> None:
        self.layers = Layers(self.source)

    def names(self) -> tuple[str, ...]:
        """Return the names of all stores, in the order of the file."""
        return self.source.names()

    def select(self, text: str) -> tuple[str, ...]:
        """Return the names of the stores that a selector means, in the order of the file.

        Raises UsageError when it is none, InvalidInput when it means no store; a plain name that is none gets the
        nearest ones said.
        """
        if self.source.has(text):
            return (text,)
        matches = selector(text)
        if not is_name(text):
            self._check_names(text)
        found = tuple(labels.name for labels in self._labels() if matches(labels))
        if found:
            return found
        if is_name(text):
            raise self._unknown(text)
        message = f'"{text}" selects none of the {len(self.names())} stores of {self.path}'
        raise InvalidInput(message, hint=self._what_there_is(), docs="inventory")

    def _what_there_is(self) -> str:
        """Return the names that a selector can have, as far as they can be shown; "" where there is no store."""
        names = self.names()
        hint = f"its stores are {', '.join(names[:_SHOWN])}{' ...' if len(names) > _SHOWN else ''}"
        for section in ("groups", "profiles"):
            if known := list(self.layers.named(section)):
                hint += f"; its {section} {', '.join(known[:_SHOWN])}{' ...' if len(known) > _SHOWN else ''}"
        return hint if names else ""

    def _labels(self) -> Iterator[Labels]:
        for row in self.source.rows():
            yield Labels(row.name, row.groups, self.layers.profile_of(row.groups, row.profile))

    def _check_names(self, text: str) -> None:
        """Say which group or profile of a selector does not exist."""
        for sentence in self._names_that_lead_nowhere(text):
            raise InvalidInput(f"{self.path}: {sentence}", hint=self._what_there_is(), docs="inventory")

    def _names_that_lead_nowhere(self, text: str) -> Iterator[str]:
        for section, kind in LAYERS.items():
            known = self.layers.named(section)
            for name in re.findall(rf"\b{kind}:([^\s(),]+)", text):
                if section != STORES and not any(fnmatchcase(one, name) for one in known):
                    yield f'there is no {kind} "{name}".{nearest(name, known)}'

    def _policy(self, name: str, policy: Policy, tree: Tree, bad: frozenset[Where]) -> Iterator[Finding]:
        """Yield what is wrong with a store's own rules: CEL that is none, exceptions for groups that do not exist."""
        from edgectl.control.policy.rules import compile_findings  # CEL: only where rules are written

        subject = Subject(name, tree, bad)
        for at, sentence in compile_findings(policy):
            yield subject.finding(sentence, *at)
        for rule, said in policy.rules.items():
            for place, exempt in enumerate(said.exceptions if said else ()):
                at = ("policy", "rules", rule, "exceptions", place, "stores")
                yield from (subject.finding(why, *at) for why in self._names_that_lead_nowhere(exempt.stores))

    def want(self, names: Collection[str]) -> None:
        """Say which stores will be asked for, so that as little as possible is read."""
        self.source.want(names)

    def store(self, name: str, *, pinned: bool = True) -> Store:
        """Return one store, resolved; InvalidInput lists all that is wrong, each with file:line:column.

        `pinned`: its nodes must have their host keys.
        """
        try:
            tree, broken = self.layers.store(name)
        except KeyError:
            raise self._unknown(name) from None
        top, above = self._top
        store, bad, unfit = fit(schema.Store, tree, name)
        said = {finding.place for finding in above}
        found = [*above, *(finding for finding in unfit if finding.place not in said), *_name_findings(name, tree)]
        trees: dict[str, Tree] = {}
        for node in store.nodes or {}:
            trees[node], led_nowhere = self.layers.node(name, tree, node)
            broken += led_nowhere
        fits = {node: fit(schema.Node, own, node) for node, own in trees.items()}
        models = {node: model for node, (model, _, _) in fits.items()}
        found += store_findings(store, models, Subject(name, tree, bad))
        if store.policy is not None and store.policy.rules:
            found += self._policy(name, store.policy, tree, bad)
        for node, own in trees.items():
            if own.get("profile") is not tree.get("profile"):
                # what a profile of its own says has not been looked at with the store
                found += (one for one in fits[node][2] if one.place not in said)
            subject = Subject(name, own, _bad_of(node, bad))
            found += node_findings(node, models[node], subject, pinned=pinned)
            said_of = account_findings(models[node], trusts=bool(top.trust))
            found += (subject.finding(sentence, *at) for at, sentence in said_of)
        if found or broken:
            places = {finding.place for finding in broken}
            raise invalid(self.path, [*broken, *(finding for finding in found if finding.place not in places)])
        root = self.source.root()
        at = root.nearest("bundle").at
        made = resolve(name, store, models, tree, source=self.path, bundle=top.bundle, bundle_at=at)
        trust, trust_at = trust_path(self.path, top.trust), root.nearest("trust").at
        return launched(replace(made, trust=trust, trust_at=trust_at) if trust else made)

    def bundle(self) -> Path:
        """Return the bundle directory that the file names."""
        return bundle_path(self.path, self._top[0].bundle)

    def trust(self) -> Path | None:
        """Return the file of trusted keys, if the inventory names one; InvalidInput where its top level is wrong."""
        top, found = self._top
        if found:
            raise invalid(self.path, found)
        return trust_path(self.path, top.trust)

    def tree(self, name: str) -> Tree:
        """Return one store's layers, laid over each other, right or wrong; InvalidInput when there is no such store."""
        try:
            tree, broken = self.layers.store(name)
        except KeyError:
            raise self._unknown(name) from None
        if not isinstance(tree.value, dict):
            raise invalid(self.path, [*broken, Finding(tree.at, f"{name}: a map is needed")])
        return tree

    def node_tree(self, of: str, store: Tree, name: str) -> Tree:
        """Return one node's layers, those of its store `of` below."""
        return self.layers.node(of, store, name)[0]

    @cached_property
    def _top(self) -> tuple[schema.Inventory, list[Finding]]:
        """The file's top level, and what is wrong there."""
        build = self.source.build
        whole = self.source.root()
        if isinstance(whole.value, dict):
            stores = whole.value.get("stores")
            if stores is not None and isinstance(stores.value, dict):
                whole = whole.holding({**whole.value, "stores": stores.holding({})})
        top, _, findings = fit(schema.Inventory, whole, "")
        places = {finding.place for finding in build.findings}
        findings = (*build.findings, *(finding for finding in findings if finding.place not in places))
        if not findings and (wrong := path_error(top.bundle)):
            findings = (*findings, Finding(whole.nearest("bundle").at, f"bundle: {wrong}"))
        if not findings and top.trust and (wrong := path_error(top.trust)):
            findings = (*findings, Finding(whole.nearest("trust").at, f"trust: {wrong}"))
        if not findings and top.edgectl and not meant_for(top.edgectl):
            ours = f"this is edgectl {edgectl.__version__}"
            sentence = f"{ours}, and these stores may be deployed by {top.edgectl} only"
            findings = (*findings, Finding(whole.nearest("edgectl").at, sentence))
        return top, list(findings)

    def _unknown(self, name: str) -> InvalidInput:
        names = self.names()
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        if not names:
            if self.source.root().value is not None and (found := self._top[1]):
                return invalid(self.path, found)
            return InvalidInput(f"{self.path} has no stores yet", docs="inventory")
        first = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Its {len(names)} stores are: {first}"
        return InvalidInput(f'{self.path} has no store "{name}"', hint=hint, docs="inventory")


def load(path: Path, source: Source | None = None) -> Inventory:
    """Open an inventory; InvalidInput when it is missing or no text. Stores are looked at when they are asked for.

    `source` is the same file, read already.
    """
    return Inventory(path=path, source=source or Source.read(path))


def _name_findings(name: str, tree: Tree) -> Iterator[Finding]:
    if not _LABEL.fullmatch(name):
        yield Finding(tree.key_at, no_name(name))


def _bad_of(node: str, bad: frozenset[Where]) -> frozenset[Where]:
    """Return the paths of a store's tree that do not fit, as paths of the node's tree."""
    own = {path[2:] for path in bad if path[:2] == ("nodes", node)}
    return frozenset(own | {path for path in bad if not path or path[0] in NODE_KEYS})
