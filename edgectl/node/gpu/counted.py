"""How many GPUs a node may use, from what is declared, offered and proven. Pure.

Owns the numbers that marker, watchdog and reports agree on. Must not know how anything is read or set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgectl.node.gpu.checkpoint import Held, physical
from edgectl.node.gpu.proof import Proof
from edgectl.wire.payload import Gpu

_CUDA = "nvidia.com/"


@dataclass(frozen=True)
class Count:
    """What one look has shown. `allocatable` is None when the node has not reported since this boot."""

    gpu: Gpu
    proof: Proof
    held: Held = field(default_factory=Held)
    allocatable: Mapping[str, int] | None = None

    @property
    def by_cuda(self) -> bool:
        """Tell whether CUDA can try these GPUs; of other makers' the plugin's word is all there is."""
        return is_cuda(self.gpu)

    @property
    def offered(self) -> frozenset[str]:
        """Return the UUIDs of the GPUs that the plugin offers as healthy."""
        return self._uuids(device for _, device in self._devices())

    @property
    def to_try(self) -> tuple[str, ...]:
        """Return the GPUs that are offered and whose smoke has not ended in this boot."""
        return tuple(sorted(self.offered - self.proof.tried())) if self.by_cuda else ()

    @property
    def unproven(self) -> frozenset[str]:
        """Return the GPUs that are offered and have no proof: a pod could be given one."""
        return self.offered - self.proof.proven() if self.by_cuda else frozenset()

    @property
    def short(self) -> str:
        """Say which resource has fewer devices allocatable than the required GPUs offer; "" when none has."""
        if self.allocatable is None:
            return f"{self.gpu.resource}: not reported since this boot, {self.gpu.required} required"
        for name, least in self.gpu.least.items():
            found = self.allocatable.get(name, 0)
            if found < least:
                return f"{name}: {found} of {self.gpu.offered[name]} allocatable, {least} required"
        return ""

    @property
    def allocatable_text(self) -> str:
        """Say how many devices are allocatable."""
        have = self.allocatable or {}
        return ", ".join(
            f"{name}: {have.get(name, 0)} of {want} allocatable" for name, want in self.gpu.offered.items()
        )

    @property
    def enough(self) -> bool:
        """Tell whether as many GPUs as required are offered, allocatable and proven."""
        if self.short:
            return False
        unproven = self.unproven
        good = dict.fromkeys(self.gpu.least, 0)
        for resource, device in self._devices():
            good[resource] += self._uuids([device]).isdisjoint(unproven)
        return all(good[name] >= least for name, least in self.gpu.least.items())

    @property
    def missing(self) -> str:
        """Say what does not serve though it is declared, and which GPUs these are; "" when all is well."""
        have = self.allocatable or {}
        lacks = [
            f"{have.get(name, 0)} of {want} {name}"
            for name, want in self.gpu.offered.items()
            if have.get(name, 0) < want
        ]
        extra = [
            f"the device plugin offers {have[name]} {name} and {want} are declared: correct gpu.count"
            for name, want in self.gpu.offered.items()
            if have.get(name, 0) > want
        ]
        return "; ".join([*lacks, *extra, *(self.dead() if lacks or self.unproven else ())])

    def dead(self) -> tuple[str, ...]:
        """Name the GPUs that are known here and do not serve, each with its reason."""
        good = self.offered - self.unproven
        reasons = {device.uuid: device.reason for device in self.proof.devices if device.tries and not device.ok}
        known = dict.fromkeys(
            [*self.gpu.uuids, *(device.uuid for device in self.proof.devices), *sorted(self.unproven)]
        )
        return tuple(
            f"{uuid}: {reasons.get(uuid) or 'the device plugin does not offer it'}"
            for uuid in known
            if uuid not in good
        )

    def may_pass(self) -> frozenset[str]:
        """Return the UIDs of the pods all of whose GPUs are proven."""
        return frozenset(pod for pod in self.held.by_pod if (on := self.gpus_of(pod)) and on <= self.proof.proven())

    def gpus_of(self, pod: str) -> frozenset[str]:
        """Return the UUIDs of the GPUs that a pod holds."""
        return self._uuids(self.held.by_pod.get(pod, ()))

    def pods_on(self, uuids: Iterable[str]) -> frozenset[str]:
        """Return the UIDs of the pods that hold one of these GPUs."""
        wanted = frozenset(uuids)
        return frozenset(pod for pod in self.held.by_pod if self.gpus_of(pod) & wanted)

    def _devices(self) -> list[tuple[str, str]]:
        """Return (resource, device) of all that the plugin offers; numbers where the kubelet's record names none."""
        found = []
        for name in self.gpu.offered:
            number = (self.allocatable or {}).get(name, 0)
            named = sorted(self.held.registered.get(name, ())) or [str(index) for index in range(number)]
            found += [(name, device) for device in (named if number else ())]
        return found

    def _uuids(self, devices: Iterable[str]) -> frozenset[str]:
        """Return the GPUs behind devices; a device may be named by its GPU's number (deviceIDStrategy: index)."""
        listed = [device.uuid for device in self.proof.devices]
        names = (physical(device) for device in devices)
        return frozenset(
            listed[int(name)] if self.by_cuda and name.isdigit() and int(name) < len(listed) else name for name in names
        )


def is_cuda(gpu: Gpu) -> bool:
    """Tell whether these are NVIDIA's, by the name of what they offer."""
    return all(name.startswith(_CUDA) for name in gpu.offered)


def allocatable(node: Mapping[str, Any] | None, gpu: Gpu, boot_id: str) -> dict[str, int] | None:
    """Return how many devices of each resource the node may hand out; None when it has not reported since this boot.

    Capacity is not asked: it does not fall when a device is unhealthy (kubelet's device plugin API).
    """
    status = (node or {}).get("status", {})
    if not boot_id or status.get("nodeInfo", {}).get("bootID") != boot_id:
        return None
    texts = {name: str(status.get("allocatable", {}).get(name, "0")) for name in gpu.offered}
    return {name: int(text) if text.isdigit() else 0 for name, text in texts.items()}
