"""The inventory of a sandbox store: how edgectl is told about it, as about any other store.

Owns: that file's content. Must not know how the store is made; edgectl reads nothing else about it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.gpu import debs
from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.store import SandboxStore

_HEADER = """\
# The sandbox store {name}: written by `edgectl sandbox up`, and again by the next one.
#   edgectl deploy {name} -i {path}
"""
_GPU_KNOBS = "/etc/sandbox-gpu"  # where a node's test GPUs are described: count, delay, unhealthy


def write_inventory(store: SandboxStore, supplies: Supplies) -> Path:
    """Write a store's inventory into its folder and return the file."""
    doc = inventory(store.record, supplies, key=store.key, old_cgroups=not cgroup.unified())
    _write(store, doc)
    return store.inventory


def inventory(record: StoreRecord, supplies: Supplies, *, key: Path, old_cgroups: bool) -> dict[str, Any]:
    """Return the inventory as data. `old_cgroups`: the host has cgroup v1, which a kubelet refuses unless told."""
    defaults: dict[str, Any] = {
        "ssh": {"user": "root", "keys": [str(key)], "agent": False},
        "host": {"free_bytes": "4GiB"},
        "k3s": {
            "version": supplies.k3s_version,
            "config": {"disable": ["traefik", "servicelb", "metrics-server", "local-storage"]},
            **({"kubelet": {"failCgroupV1": False}} if old_cgroups else {}),
        },
        "helm": {"version": supplies.helm_version},
    }
    if any(node.gpu_count for node in record.nodes):
        defaults |= _vision(supplies)
    if any(node.gpu_count and node.bare for node in record.nodes):
        defaults["host"]["packages"] = {"linux-headers-amd64": None}  # which DKMS builds for
    nodes = {
        node.name: {
            "role": "server" if index == 0 else "agent",
            "address": node.address,
            "ssh": {"host": "127.0.0.1", "port": node.port},
            "host_key": node.host_key,
            **({"gpu": _gpu(node)} if node.gpu_count else {}),
        }
        for index, node in enumerate(record.nodes)
    }
    return {
        "version": 1,
        "bundle": str(supplies.root),
        "defaults": defaults,
        "stores": {record.name: {"title": "Sandbox", "nodes": nodes}},
    }


def _gpu(node: NodeRecord) -> dict[str, Any]:
    """Return a node's GPUs. Where nothing of a driver is there yet, packages bring it."""
    found: dict[str, Any] = {"count": node.gpu_count, "required": node.gpu_required}
    return {**found, "driver": debs.CURRENT, "packages": debs.declared()} if node.bare else found


def _vision(supplies: Supplies) -> dict[str, Any]:
    """Return what a store with GPUs runs. The test GPUs have a plugin of their own; the charts are the usual ones.

    The whole stack, with a camera that makes its own pictures and a sink in the store.
    """
    knobs = {"name": "sandbox-gpu", "hostPath": _GPU_KNOBS, "mountPath": _GPU_KNOBS, "readOnly": True}
    name = supplies.model.parent.name
    return {
        "releases": {
            "nvidia-device-plugin": {
                "chart": "nvidia-device-plugin",
                "namespace": "gpu-system",
                "values": {"image": supplies.images["gpu-plugin"], "extraVolumes": [knobs]},
            },
            "vision-stack": {
                "chart": "vision-stack",
                "namespace": "vision",
                "needs": ["gpu"],
                "values": {
                    "image": supplies.images["vision"],
                    "camera": {"cameras": {"entrance": {"source": "synthetic:1", "fps": 2}}},
                    "inference": {"registry": True},
                    "bus": {"image": supplies.images["mosquitto"]},
                    "gate": {"image": supplies.images["gate"]},
                    "sink": {"enabled": True},
                },
            },
        },
        "models": {name: {"version": supplies.model.name, "from": str(supplies.model)}},
        "inference": {"release": "vision-stack", "service": "inference", "port": 8000, "model": name},
    }


def adapt_inventory(clone: SandboxStore) -> None:
    """Put a clone's own ports and key file into the inventory that it has from its source.

    The store in it keeps its name: a node belongs to the store that it was deployed as, and refuses another.
    """
    doc = yaml.safe_load(clone.inventory.read_text())
    ((_, entry),) = doc["stores"].items()
    for node in clone.record.nodes:
        entry["nodes"][node.name]["ssh"]["port"] = node.port
    doc["defaults"]["ssh"]["keys"] = [str(clone.key)]
    _write(clone, doc)


def deployed_as(store: SandboxStore) -> str:
    """Return the store's name in its inventory; a clone has its source's."""
    return str(next(iter(yaml.safe_load(store.inventory.read_text())["stores"])))


def _write(store: SandboxStore, doc: dict[str, Any]) -> None:
    path = store.inventory
    staged = path.with_suffix(".new")
    text = yaml.safe_dump(doc, sort_keys=False, width=120)
    staged.write_text(_HEADER.format(name=store.name, path=path) + text)
    staged.replace(path)
