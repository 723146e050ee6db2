"""The pods of a store, and which of them a name means: a pod's own, its workload's, with or without where it is.

Owns names. Must not know what is done with a pod. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from edgectl.wire.errors import UsageError

_KINDS = {
    "po": "pod", "pod": "pod", "pods": "pod",
    "deploy": "deployment", "deployment": "deployment", "deployments": "deployment",
    "ds": "daemonset", "daemonset": "daemonset", "daemonsets": "daemonset",
    "sts": "statefulset", "statefulset": "statefulset", "statefulsets": "statefulset",
    "job": "job", "jobs": "job",
}  # fmt: skip
_DEFAULT = "kubectl.kubernetes.io/default-container"
_SHOWN = 30  # names in a hint


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod: where it is, whose it is, and its containers, those that prepare it first."""

    namespace: str
    name: str
    kind: str  # of its workload: deployment ...; "pod" where it has none
    workload: str
    containers: tuple[str, ...]
    default: str  # the container that is meant when none is named
    phase: str
    restarts: int

    @property
    def place(self) -> str:
        """Return `vision/inference-abc`."""
        return f"{self.namespace}/{self.name}"

    def container(self, asked: str) -> str:
        """Return a container by name, the default without one; UsageError names those that there are."""
        if asked and asked not in self.containers:
            raise UsageError(f"{self.place} has no container {asked}", hint=f"it has {', '.join(self.containers)}")
        return asked or self.default


def pods_of(items: Iterable[dict[str, Any]]) -> tuple[Pod, ...]:
    """Read the API's list, in the order of places."""
    return tuple(sorted((_pod(item) for item in items), key=lambda one: (one.namespace, one.workload, one.name)))


def meant(pods: Sequence[Pod], asked: str, *, store: str) -> tuple[Pod, ...]:
    """Return the pods that a name means; UsageError lists what there is where it means none, or too many."""
    *before, name = asked.split("/")
    found = [one for one in pods if name in {one.name, one.workload}]
    for word in before:
        kind = _KINDS.get(word)
        found = [
            one for one in found if word == one.namespace or kind == one.kind or (kind == "pod" and name == one.name)
        ]
    if exact := [one for one in found if one.name == name]:
        found = exact
    if not found:
        known = sorted({one.workload for one in pods} | {one.name for one in pods})
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        raise UsageError(
            f'{store} has no pod or workload "{asked}"' + (f'; did you mean "{near[0]}"?' if near else ""),
            hint=f"there are {_listed(pods)}" if pods else "it has no pods",
        )
    places = sorted({f"{one.namespace}/{one.workload}" for one in found})
    if len(places) > 1:
        raise UsageError(f'"{asked}" means {len(places)} workloads', hint=f"which one? {', '.join(places)}")
    return tuple(found)


def _listed(pods: Sequence[Pod]) -> str:
    names = sorted({f"{one.namespace}/{one.workload}" for one in pods})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _pod(item: dict[str, Any]) -> Pod:
    meta, spec, status = (item.get(key) or {} for key in ("metadata", "spec", "status"))
    name = str(meta.get("name", ""))
    kind, workload = _owner(meta, name)
    first = [str(one["name"]) for one in spec.get("containers") or ()]
    prepare = [str(one["name"]) for one in spec.get("initContainers") or ()]
    default = str((meta.get("annotations") or {}).get(_DEFAULT, ""))
    return Pod(
        namespace=str(meta.get("namespace", "")),
        name=name,
        kind=kind,
        workload=workload,
        containers=(*prepare, *first),
        default=default if default in first else first[0] if first else "",
        phase="Terminating" if meta.get("deletionTimestamp") else str(status.get("phase", "")),
        restarts=sum(int(one.get("restartCount", 0)) for one in status.get("containerStatuses") or ()),
    )


def _owner(meta: dict[str, Any], name: str) -> tuple[str, str]:
    """Return a pod's workload; a ReplicaSet is its Deployment's, which is called by what stands before the hash."""
    owner = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), None)
    if owner is None:
        return "pod", name
    kind, workload = str(owner["kind"]).lower(), str(owner["name"])
    if kind == "replicaset":
        digest = str((meta.get("labels") or {}).get("pod-template-hash", ""))
        return "deployment", workload.removesuffix(f"-{digest}") if digest else workload
    return kind, workload
