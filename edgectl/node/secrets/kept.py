"""Steps: the store's secrets are Kubernetes Secrets, and its facts a ConfigMap, in the namespaces that use them.

What is compared is the declaration and, for values, the newest that this node keeps; differences name keys only.
Objects of somebody else are refused by name. Secrets that are declared no more go last (charts/retired.py).
"""

from __future__ import annotations

import base64
import json
from typing import Any

from edgectl.node.charts.objects import compare
from edgectl.node.converge.protocol import Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.secrets.objects import Json, Name, declared_of, is_marked, live, marked, ours, path_of, put
from edgectl.node.secrets.values import Values, newest
from edgectl.wire.payload import StoreSecret

FACTS_NAME = "edgectl-store"
FACTS_FILE = "store.json"
_SHOWN = 3
_MOST = 20
Difference = tuple[str, str, str]


class Secrets:
    """One Secret per declared namespace, with the newest values.

    `planned`: it is only looked at, before a deploy: values that this would send are not here yet, which is no failure.
    """

    id = "secrets"
    title = "secrets"

    def __init__(self, declared: tuple[StoreSecret, ...], *, needs: tuple[str, ...], planned: bool = False) -> None:
        self._declared = declared
        self._planned = planned
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """List our Secrets, and compare each with the declaration and the values that are kept here."""
        values, listed = newest(read), ours(read, "secrets")
        differences: list[Difference] = []
        problems: list[str] = []
        for secret in self._declared:
            for namespace in secret.namespaces:
                found, stranger = live(read, "secrets", (namespace, secret.name), listed)
                lacks = [] if self._planned else lacking(secret, values)
                if stranger:
                    problems.append(f"Secret {stranger}")
                elif lacks:
                    problems.append(f"this node has no value for {', '.join(lacks)} of {namespace}/{secret.name}")
                else:
                    differences += by_value(secret, namespace, found, values)
        more = ", compared by version only until a deploy" if self._planned else ""
        return _observation(differences, problems, f"{len(self._declared)} as declared{more}")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Write those that differ, whose values are all here."""
        del seen
        values, listed = newest(write), ours(write, "secrets")
        hide = [value for keys in values.values() for value in keys.values()]
        for secret in self._declared:
            for namespace in secret.namespaces:
                found, stranger = live(write, "secrets", (namespace, secret.name), listed)
                if not stranger and not lacking(secret, values) and by_value(secret, namespace, found, values):
                    put(write, "secrets", secret_object(secret, namespace, values), found, hide=hide)


class Facts:
    """One ConfigMap in each namespace that has a release: what the store's pods may know of it, as one JSON file."""

    id = "facts"
    title = "store facts"

    def __init__(self, facts: dict[str, Any], namespaces: tuple[str, ...], *, needs: tuple[str, ...]) -> None:
        self._facts = facts
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """List our ConfigMaps, and compare each with the declaration."""
        listed = ours(read, "configmaps")
        problems: list[str] = []
        differences: list[Difference] = [
            (f"{namespace}/{name}", "present", "gone") for namespace, name in self._extra(listed)
        ]
        for namespace in self._namespaces:
            found, stranger = live(read, "configmaps", (namespace, FACTS_NAME), listed)
            if stranger:
                problems.append(f"ConfigMap {stranger}")
            else:
                differences += facts_differences(self._facts, namespace, found)
        return _observation(differences, problems, f"in {len(self._namespaces)} namespaces")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Write those that differ, take away those of namespaces that have no release."""
        del seen
        listed = ours(write, "configmaps")
        for namespace in self._namespaces:
            found, stranger = live(write, "configmaps", (namespace, FACTS_NAME), listed)
            if not stranger and facts_differences(self._facts, namespace, found):
                put(write, "configmaps", facts_object(self._facts, namespace), found)
        for name in self._extra(listed):
            write.api.delete(path_of("configmaps", name))

    def _extra(self, listed: dict[Name, Json]) -> list[Name]:
        return sorted(set(listed) - {(namespace, FACTS_NAME) for namespace in self._namespaces})


def lacking(secret: StoreSecret, values: Values) -> list[str]:
    """Return the declared keys that no value is kept for."""
    return sorted(set(secret.keys) - set(values.get(secret.name, {})))


def by_version(secret: StoreSecret, namespace: str, found: Json | None) -> list[Difference]:
    """Return how a live Secret differs from the declaration, its values left aside."""
    name = f"{namespace}/{secret.name}"
    if found is None:
        return [(name, "missing", "present")]
    differences = []
    if found.get("type") != secret.type:
        differences.append((f"{name} type", str(found.get("type")), secret.type))
    said = declared_of(found).get("keys")
    versions, data = said if isinstance(said, dict) else {}, found.get("data") or {}
    for key, version in sorted(secret.keys.items()):
        if key not in data:
            differences.append((f"{name} {key}", "missing", f"version {version}"))
        elif versions.get(key) != version:
            differences.append((f"{name} {key}", f"version {versions.get(key, 'unknown')}", f"version {version}"))
    differences += [(f"{name} {key}", "present", "gone") for key in sorted(set(data) - set(secret.keys))]
    if not differences and not is_marked(found, secret_object(secret, namespace, {})):
        differences.append((f"{name} labels", "changed", "as declared"))
    return differences


def by_value(secret: StoreSecret, namespace: str, found: Json | None, values: Values) -> list[Difference]:
    """Return how a live Secret differs from the declaration and the kept values, naming keys only."""
    differences = by_version(secret, namespace, found)
    told, data = {field for field, _, _ in differences}, (found or {}).get("data") or {}
    for key, want in sorted(secret_object(secret, namespace, values)["data"].items()):
        field = f"{namespace}/{secret.name} {key}"
        if found is not None and data.get(key) != want and field not in told:
            differences.append((field, "another value", "the newest one"))
    return differences


def secret_object(secret: StoreSecret, namespace: str, values: Values) -> Json:
    """Return the Secret as it should be."""
    kept = values.get(secret.name, {})
    data = {key: base64.b64encode(kept[key].encode()).decode() for key in sorted(secret.keys) if key in kept}
    meta = {"name": secret.name, "namespace": namespace}
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": secret.type, "data": data}
    return marked(item, {"keys": secret.keys, "type": secret.type})


def facts_object(facts: dict[str, Any], namespace: str) -> Json:
    """Return the ConfigMap as it should be."""
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    meta = {"name": FACTS_NAME, "namespace": namespace}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {FACTS_FILE: text}}
    return marked(item, {"file": FACTS_FILE})


def facts_differences(facts: dict[str, Any], namespace: str, found: Json | None) -> list[Difference]:
    """Return how a live ConfigMap differs; facts are no secret, so they are quoted."""
    name, wanted = f"{namespace}/{FACTS_NAME}", facts_object(facts, namespace)
    if found is None:
        return [(name, "missing", "present")]
    data = found.get("data") or {}
    if data != wanted["data"] or found.get("binaryData"):
        try:
            fields = compare(json.loads(data.get(FACTS_FILE, "{}")), facts)
        except ValueError:
            fields = []
        return [(f"{name} {field}", have, want) for field, have, want in fields[:_MOST]] or [
            (f"{name} {FACTS_FILE}", "another text", "the declared one")
        ]
    return [] if is_marked(found, wanted) else [(f"{name} labels", "changed", "as declared")]


def _observation(differences: list[Difference], problems: list[str], fine: str) -> Observation:
    """Repair what can be repaired first; what is in the way is said then."""
    if differences:
        fields = ", ".join(field for field, _, _ in differences[:_SHOWN]) + (
            " ..." if len(differences) > _SHOWN else ""
        )
        reason = "; ".join((f"{fields} differ{'s' if len(differences) == 1 else ''}", *problems))
        return Observation(Status.DRIFTED, reason, differences=tuple(differences))
    if problems:
        return Observation(Status.FAILED, "; ".join(problems))
    return Observation(Status.CURRENT, fine)
