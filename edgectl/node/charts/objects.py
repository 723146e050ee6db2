"""A release's live objects against its rendered manifests, on the fields that the release owns.

A manifest is applied server-side with dryRun=All as Helm's own field manager; what the API would change is drift.
Defaults and fields of other managers (an autoscaler's replicas) are none; but a pod template is the release's whole:
a container, volume or variable that somebody has added is drift, though an apply would leave it.
"""

from __future__ import annotations

import copy
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look

Difference = tuple[str, str, str]

# Lists of a pod template that hold what runs; the API server adds nothing to them.
_TEMPLATE_LISTS = ("initContainers", "containers", "volumes", "volumeMounts", "env", "envFrom")

_LOOKS = 3

# Written by the API server or by controllers, never by a release.
_NOT_OWNED = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


class Objects:
    """Finds objects by manifest; asks the API's discovery once per group and version."""

    def __init__(self, read: Look) -> None:
        self._api = read.api
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def differences(self, manifest: dict[str, Any], *, release: str, namespace: str) -> tuple[Difference, ...]:
        """Return (field, have, want) for what an upgrade would change in one object."""
        name = label(manifest)
        path = self.path(manifest, namespace=namespace)
        if path is None:
            return ((name, "its kind is unknown to the API", "present"),)
        sent = as_helm(manifest, release=release, namespace=namespace)
        live = self._api.get(path)
        for _ in range(_LOOKS):
            if live is None:
                return ((name, "missing", "present"),)
            try:
                merged = self._api.dry_apply(sent, path)
            except Denied as answer:
                return ((name, answer.message[:200], "accepted"),)
            found = [*compare(_owned(live), _owned(merged)), *added(manifest, live)]
            before, live = live, self._api.get(path) if found else live
            if _version(before) == _version(live):  # else a controller has written in between: no drift of ours
                break
        if manifest.get("kind") == "Secret":  # law 10: not even a value set by hand is shown
            return tuple((f"{name} {field}", "another value", "the declared one") for field, _, _ in found)
        return tuple((f"{name} {field}", have, want) for field, have, want in found)

    def outgrown(self, manifest: dict[str, Any], *, namespace: str) -> str | None:
        """Return the path of an object with something added that only its deletion takes away; None for the others."""
        path = self.path(manifest, namespace=namespace)
        live = self._api.get(path) if path else None
        return path if live is not None and added(manifest, live) else None

    def path(self, manifest: dict[str, Any], *, namespace: str) -> str | None:
        """Return the object's path in the API; None when the API does not know its kind."""
        version = str(manifest.get("apiVersion", ""))
        kinds = self._discover(version)
        found = kinds.get(str(manifest.get("kind", "")))
        if found is None:
            return None
        plural, namespaced = found
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        meta = manifest.get("metadata", {})
        inside = f"/namespaces/{meta.get('namespace') or namespace}" if namespaced else ""
        return f"{base}{inside}/{plural}/{meta.get('name', '')}"

    def _discover(self, version: str) -> dict[str, tuple[str, bool]]:
        if version not in self._kinds:
            base = f"/apis/{version}" if "/" in version else f"/api/{version}"
            found = self._api.get(base)
            if found is None:
                return {}
            self._kinds[version] = {
                str(item["kind"]): (str(item["name"]), bool(item["namespaced"]))
                for item in found.get("resources", [])
                if "/" not in str(item.get("name", ""))
            }
        return self._kinds[version]


def _version(found: dict[str, Any] | None) -> object:
    return (found or {}).get("metadata", {}).get("resourceVersion")


def label(manifest: dict[str, Any]) -> str:
    """Return Kind/name."""
    return f"{manifest.get('kind', '?')}/{manifest.get('metadata', {}).get('name', '?')}"


def is_hook(manifest: dict[str, Any]) -> bool:
    """Return whether Helm only runs it: a hook is no part of the release's state."""
    return "helm.sh/hook" in (manifest.get("metadata", {}).get("annotations") or {})


def as_helm(manifest: dict[str, Any], *, release: str, namespace: str) -> dict[str, Any]:
    """Return the manifest as Helm sends it: with the label and annotations that it adds after rendering."""
    sent = copy.deepcopy(manifest)
    meta = sent.setdefault("metadata", {})
    meta["labels"] = {**(meta.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    owner = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    meta["annotations"] = {**(meta.get("annotations") or {}), **owner}
    return sent


def compare(live: Any, merged: Any, where: str = "") -> list[Difference]:
    """Return the leaves in which two JSON values differ, as (path, have, want)."""
    if isinstance(live, dict) and isinstance(merged, dict):
        found: list[Difference] = []
        for key in sorted(set(live) | set(merged)):
            found += compare(live.get(key), merged.get(key), f"{where}.{key}" if where else str(key))
        return found
    if isinstance(live, list) and isinstance(merged, list) and len(live) == len(merged):
        found = []
        for index, (have, want) in enumerate(zip(live, merged, strict=True)):
            found += compare(have, want, f"{where}[{_item(want, index)}]")
        return found
    return [] if live == merged else [(where, _brief(live), _brief(merged))]


def added(manifest: dict[str, Any], live: dict[str, Any]) -> list[Difference]:
    """Return what the lists of a live pod template hold beyond the manifest's, as (path, have, want)."""
    return _added(_template(manifest), _template(live), "spec.template.spec")


def _template(item: dict[str, Any]) -> dict[str, Any]:
    spec = (item.get("spec") or {}).get("template") or {}
    return dict(spec.get("spec") or {}) if isinstance(spec, dict) else {}


def _added(want: dict[str, Any], have: dict[str, Any], where: str) -> list[Difference]:
    found: list[Difference] = []
    for key in _TEMPLATE_LISTS:
        declared = {_name(item): item for item in want.get(key) or []}
        for item in have.get(key) or []:
            place = f"{where}.{key}[{_name(item)}]"
            if _name(item) in declared:
                found += _added(declared[_name(item)], item, place)
            else:
                found.append((place, "added", "none"))
    return found


def _name(item: dict[str, Any]) -> str:
    return str(item.get("mountPath") or item.get("name") or sorted(map(str, item.items())))


def _item(value: Any, index: int) -> str:
    return str(value.get("name", index)) if isinstance(value, dict) else str(index)


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_item(item, index) for index, item in enumerate(value))}]"[:160]
    return "none" if value is None else str(value)[:160]


def _owned(found: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in found.items() if key != "status"}
    meta = found.get("metadata")
    if not isinstance(meta, dict):
        raise LookFailed("the API's answer has no metadata")
    kept["metadata"] = {key: value for key, value in meta.items() if key not in _NOT_OWNED}
    return kept
