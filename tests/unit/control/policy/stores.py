"""Stores to judge: facts, a payload with given objects, and a GPU Deployment that every built-in rule lets pass."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

from edgectl.control.inventory.policy_schema import Policy
from edgectl.control.policy.judge import Violation, judge
from edgectl.wire.payload import Gpu, Host, K3s, ManagedFile, Node, Payload, Release

TODAY = date(2026, 11, 21)

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "inference"},
    "spec": {
        "strategy": {"type": "Recreate"},
        "template": {
            "spec": {
                "initContainers": [
                    {
                        "name": "gpu-gate",
                        "image": "registry.example/vision/gate:1.0",
                        "volumeMounts": [{"name": "gpu-proof", "mountPath": "/run/edgectl/gpu", "readOnly": True}],
                    }
                ],
                "containers": [
                    {
                        "name": "app",
                        "image": "registry.example/vision/inference:1.0",
                        "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "1Gi", "cpu": "2"}},
                    }
                ],
                "volumes": [{"name": "gpu-proof", "hostPath": {"path": "/run/edgectl/gpu"}}],
            }
        },
    },
}


def facts(name: str = "store-042", **more: Any) -> dict[str, Any]:
    """Return the facts of a store with one node and one GPU."""
    node = {"name": "node-1", "role": "server", "gpus": 1, "driver": "570.86.15"}
    guard = {"exempt": ["gpu-system", "kube-system"], "runtime_classes": ["nvidia", "nvidia-cdi"]}
    known = {"name": name, "title": "Berlin", "groups": ["berlin"], "gpus": 1, "nodes": [node], "guard": guard}
    return {**known, **more}


def payload(*manifests: dict[str, Any], k3s: str = "v1.36.3+k3s1", values: Any = None, registries: str = "") -> Payload:
    """Return a store with one release, `vision-stack` in the namespace `vision`."""
    files = (ManagedFile("/etc/rancher/k3s/registries.yaml", registries),) if registries else ()
    node = Node("node-1", "server", "10.77.0.11", Host(1), K3s(k3s, "sha256:0", "k3s.service", files, ()))
    node = Node(node.name, node.role, node.address, node.host, node.k3s, None, Gpu("nvidia.com/gpu", 1, 1))
    release = Release("vision-stack", "vision", "sha256:1", values or {}, "sha256:2", manifests, ("gpu",))
    return Payload("store-042", "Berlin", (node,), (release,), {})


def changed(path: str, value: Any = None) -> dict[str, Any]:
    """Return the Deployment with another value at a path (`spec.strategy`); None takes it away."""
    found = copy.deepcopy(DEPLOYMENT)
    *way, last = path.split(".")
    here: Any = found
    for key in way:
        here = here[int(key)] if key.isdigit() else here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return found


def policy(**said: Any) -> Policy:
    """Return a policy as an inventory says it."""
    return Policy.model_validate(said)


def judged(said: Policy, *manifests: dict[str, Any], name: str = "store-042", **more: Any) -> tuple[Violation, ...]:
    """Judge a store with these objects."""
    return judge(said, facts(name, **more), payload(*manifests), TODAY)
