"""What a store feels of a change of its payload: nodes that restart k3s, pods that are replaced, pauses of inference.

Owns these consequences, told from two payloads alone. Must not know a node's state: what was changed by hand there is
seen by `plan`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.wire.k3s import starts_with
from edgectl.wire.payload import Node, Payload, Release
from edgectl.wire.workload import images_of, key_of, pods_of, template_of

K3S = "k3s"  # the name of its pause among the workloads', which have slashes (node/gaps.py)
UNKNOWN_SECONDS = 30.0  # what is announced of a pause until the node has measured one of that workload


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


@dataclass(frozen=True, slots=True)
class Pause:
    """A workload that does not serve for a while, and about why."""

    workload: str  # release/kind/name
    why: str
    seconds: float = UNKNOWN_SECONDS
    measured: bool = False  # by this very node; else it is a guess, the same for all


def pauses(
    runs: Mapping[str, Mapping[str, Any]], after: Payload, measured: Mapping[str, float] | None = None
) -> tuple[Pause, ...]:
    """Return which of the workloads that run (`pods_of` of what a node is) pause when it becomes `after`.

    `measured`: for how many seconds they did the last times, as far as the node knows.
    """
    becomes, resources = pods_of(after.releases), _resources(after)
    found = []
    for release in after.releases:
        for manifest in release.manifests:
            name = "/".join((release.name, *key_of(manifest)))
            if name not in becomes or name not in runs or runs[name].get("template") == becomes[name]["template"]:
                continue
            if stops := _stops_first(manifest, resources):
                why = f"{_news(list(runs[name].get('images', ())), manifest)}; {stops}"
                seconds = (measured or {}).get(name)
                found.append(Pause(name, why) if seconds is None else Pause(name, why, seconds, measured=True))
    return tuple(found)


def k3s_pause(runs: Mapping[str, Any], after: Payload, measured: Mapping[str, float]) -> Pause | None:
    """Return that the API will be away on the node that leads, where k3s starts with something else than it runs with.

    `runs`: the node's word of what its k3s was given. Pods go on meanwhile.
    """
    node = next((node for node in after.nodes if node.name == runs.get("node")), None)
    if node is None or runs.get("starts") == starts_with(node.k3s):
        return None
    had, gets = str(runs.get("version", "")), node.k3s.version
    why = f"{had} becomes {gets}" if had != gets else "it starts anew with its new settings"
    said = f"{why}; the Kubernetes API is away so long, pods and inference run on"
    return Pause(K3S, said, measured[K3S], measured=True) if K3S in measured else Pause(K3S, said)


def _stops_first(manifest: Mapping[str, Any], resources: frozenset[str]) -> str:
    """Return why the old pod of a workload is gone before the new one serves; "" where it need not be."""
    recreates = ((manifest.get("spec") or {}).get("strategy") or {}).get("type") == "Recreate"
    if _uses(template_of(manifest), resources):
        return f"it holds a GPU, which is free only when its old pod has stopped{' (Recreate)' if recreates else ''}"
    return "its old pod stops first (Recreate)" if recreates else ""


def _news(had: list[str], manifest: Mapping[str, Any]) -> str:
    gets = images_of(template_of(manifest))
    changed = [(old, new) for old, new in zip(had, gets, strict=False) if old != new]
    if changed:
        return ", ".join(f"{old} becomes {new}" for old, new in changed)
    return "its settings change" if len(had) == len(gets) else "its containers change"


def _k3s(node: Node) -> object:
    """Return what k3s is started with: another one, and it is started anew."""
    return (node.role, node.k3s.version, node.k3s.binary, sorted((file.path, file.text) for file in node.k3s.files))


def _resources(payload: Payload) -> frozenset[str]:
    return frozenset(name for node in payload.nodes if node.gpu is not None for name in node.gpu.offered)


def _replaced(before: Release | None, after: Release, resources: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Yield (workload, whether it uses GPUs) for each whose pods will be others."""
    if before is None or before.manifests == after.manifests:
        return
    old = {key_of(manifest): template_of(manifest) for manifest in before.manifests}
    for manifest in after.manifests:
        template = template_of(manifest)
        if template is not None and key_of(manifest) in old and old[key_of(manifest)] != template:
            kind, name = key_of(manifest)
            yield f"{after.name}/{kind}/{name}", _uses(template, resources)


def _uses(template: Any, resources: frozenset[str]) -> bool:
    containers = ((template or {}).get("spec") or {}).get("containers") or []
    asked = [
        name
        for container in containers
        for amounts in ((container.get("resources") or {}).get("limits") or {},)
        for name in amounts
    ]
    return bool(resources.intersection(asked))
