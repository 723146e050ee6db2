"""What a store feels of a change of its payload: nodes that restart k3s, pods that are replaced, pauses of inference.

Owns these consequences, told from two payloads alone. Must not know a node's state: what was changed by hand there is
seen by `plan`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.wire.payload import Node, Payload, Release

_WITH_PODS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob")


@dataclass(frozen=True, slots=True)
class Effects:
    """What a deploy will do that people notice. `pauses` names the workloads whose pods stop before new ones start."""

    restarts: tuple[str, ...] = ()  # nodes whose k3s is started anew; pods go on meanwhile
    replaced: tuple[str, ...] = ()  # workloads that get new pods, release/kind/name
    pauses: tuple[str, ...] = ()  # those of them that use GPUs: inference pauses until the new pod serves
    removed: tuple[str, ...] = ()  # releases that go
    new_bytes: int = 0  # of content that the older payload did not need

    def sentences(self) -> tuple[str, ...]:
        """Return them for people; nothing where nobody notices anything."""
        found = []
        if self.restarts:
            found.append(f"k3s restarts on {', '.join(self.restarts)}")
        if self.pauses:
            found.append(f"inference pauses: {', '.join(self.pauses)} is replaced")
        if others := [name for name in self.replaced if name not in self.pauses]:
            found.append(f"new pods: {', '.join(others)}")
        if self.removed:
            found.append(f"goes: {', '.join(self.removed)}")
        return tuple(found)


def effects(before: Payload | None, after: Payload) -> Effects:
    """Return what becoming `after` means for a store that is `before`; a store that is nothing yet only gains."""
    if before is None:
        return Effects(new_bytes=sum(after.blobs.values()))
    old_nodes = {node.name: node for node in before.nodes}
    restarts = tuple(
        node.name for node in after.nodes if node.name in old_nodes and _k3s(node) != _k3s(old_nodes[node.name])
    )
    old = {release.name: release for release in before.releases}
    replaced, pauses = [], []
    for release in after.releases:
        for name, uses_gpu in _replaced(old.get(release.name), release, _resources(after)):
            replaced.append(name)
            if uses_gpu:
                pauses.append(name)
    return Effects(
        restarts=restarts,
        replaced=tuple(replaced),
        pauses=tuple(pauses),
        removed=tuple(name for name in old if name not in {release.name for release in after.releases}),
        new_bytes=sum(size for digest, size in after.blobs.items() if digest not in before.blobs),
    )


def _k3s(node: Node) -> object:
    """Return what k3s is started with: another one, and it is started anew."""
    return (node.role, node.k3s.version, node.k3s.binary, sorted((file.path, file.text) for file in node.k3s.files))


def _resources(payload: Payload) -> frozenset[str]:
    return frozenset(name for node in payload.nodes if node.gpu is not None for name in node.gpu.offered)


def _replaced(before: Release | None, after: Release, resources: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Yield (workload, whether it uses GPUs) for each whose pods will be others."""
    if before is None or before.manifests == after.manifests:
        return
    old = {_key(manifest): _template(manifest) for manifest in before.manifests}
    for manifest in after.manifests:
        template = _template(manifest)
        if template is not None and _key(manifest) in old and old[_key(manifest)] != template:
            kind, name = _key(manifest)
            yield f"{after.name}/{kind}/{name}", _uses(template, resources)


def _key(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return str(manifest.get("kind")), str((manifest.get("metadata") or {}).get("name"))


def _template(manifest: Mapping[str, Any]) -> Any:
    if manifest.get("kind") not in _WITH_PODS:
        return None
    spec = manifest.get("spec") or {}
    return ((spec.get("jobTemplate") or {}).get("spec") or spec).get("template")


def _uses(template: Any, resources: frozenset[str]) -> bool:
    containers = ((template or {}).get("spec") or {}).get("containers") or []
    asked = [
        name
        for container in containers
        for amounts in ((container.get("resources") or {}).get("limits") or {},)
        for name in amounts
    ]
    return bool(resources.intersection(asked))
