"""Who holds which GPU, by the kubelet's own record: its device checkpoint, JSON.

Owns that file's form (k8s.io/kubernetes pkg/kubelet/cm/devicemanager/checkpoint). After a boot it still names the pods
from before, until the kubelet has admitted or rejected them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgectl.node.io.look import Look

PLACE = "var/lib/kubelet/device-plugins/kubelet_internal_checkpoint"


@dataclass(frozen=True)
class Held:
    """What the kubelet has on record. A device of a shared GPU is named `<uuid>::<number>` there."""

    by_pod: Mapping[str, frozenset[str]] = field(default_factory=dict)  # pod UID -> devices
    registered: Mapping[str, frozenset[str]] = field(default_factory=dict)  # resource -> devices


def held(look: Look, resources: Iterable[str]) -> Held:
    """Return who holds devices of these resources; nobody where the kubelet has written nothing readable."""
    return parse(look.text(look.places.root / PLACE) or "", frozenset(resources))


def parse(text: str, resources: frozenset[str]) -> Held:
    """Read a checkpoint's text."""
    try:
        data = json.loads(text)["Data"]
        by_pod: dict[str, frozenset[str]] = {}
        for entry in data.get("PodDeviceEntries") or ():
            if entry["ResourceName"] in resources:
                by_pod[entry["PodUID"]] = by_pod.get(entry["PodUID"], frozenset()) | _devices(entry["DeviceIDs"])
        registered = {
            name: frozenset(map(str, devices or ()))
            for name, devices in (data.get("RegisteredDevices") or {}).items()
            if name in resources
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return Held()
    return Held(by_pod, registered)


def physical(device: str) -> str:
    """Return the GPU's UUID behind a device's name: time-sliced replicas are `<uuid>::<number>`."""
    return device.partition("::")[0]


def _devices(found: Any) -> frozenset[str]:
    """Return device names: lists by NUMA node (since Kubernetes 1.20), or one list."""
    lists = found.values() if isinstance(found, dict) else (found,)
    return frozenset(str(device) for devices in lists for device in devices or ())
