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
        return frozenset(physical(device) for _, device in self._devices())

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
    def proven_text(self) -> str:
        """Say how many GPUs have computed; MIG devices count each."""
        proven = len(self.proof.proven() & self.offered)
        of = self.gpu.count if not self.gpu.offers else max(proven, len(self.offered))
        return f"{proven} of {of} {'computes' if proven == 1 else 'compute'} in this boot"

    @property
    def unnamed(self) -> bool:
        """Tell whether devices are allocatable whose names the kubelet's record does not have (yet)."""
        have = self.allocatable or {}
        return self.by_cuda and any(have.get(name) and not self.held.registered.get(name) for name in self.gpu.offered)

    @property
    def enough(self) -> bool:
        """Tell whether as many GPUs as required are offered, allocatable and proven."""
        return not self.short and self._good(self.gpu.least)

    @property
    def each(self) -> bool:
        """Tell whether each pod must be told: one could be given a GPU without proof, now or when it returns."""
        return self.by_cuda and (bool(self.unproven) or not self._good(self.gpu.offered))

    def _good(self, wanted: Mapping[str, int]) -> bool:
        """Tell whether of each resource so many devices are offered and proven."""
        unproven = self.unproven
        good = dict.fromkeys(wanted, 0)
        for resource, device in self._devices():
            good[resource] += physical(device) not in unproven
        return all(good[name] >= number for name, number in wanted.items())

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
        return frozenset(map(physical, self.held.by_pod.get(pod, ())))

    def pods_on(self, uuids: Iterable[str]) -> frozenset[str]:
        """Return the UIDs of the pods that hold one of these GPUs."""
        wanted = frozenset(uuids)
        return frozenset(pod for pod in self.held.by_pod if self.gpus_of(pod) & wanted)

    def _devices(self) -> list[tuple[str, str]]:
        """Return (resource, device) of all that the plugin offers, by the kubelet's record.

        NVIDIA's are UUIDs, whatever its plugin's deviceIDStrategy is: that only changes what a container is given.
        """
        found = []
        for name in self.gpu.offered:
            number = (self.allocatable or {}).get(name, 0)
            named = sorted(self.held.registered.get(name, ()))
            if not named and not self.by_cuda:
                named = [str(index) for index in range(number)]
            found += [(name, device) for device in (named if number else ())]
        return found


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
