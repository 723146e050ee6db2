"""Step: the GPUs that the node may use are there in this boot, and the marker says so to waiting pods.

The marker means *visible*: the device plugin has registered and `status.allocatable`, reported in this boot, holds the
required number. Capacity is not asked: it does not fall when a device is unhealthy (kubelet's device plugin API).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Gpu


class Visible:
    """Holds the marker /run/edgectl/gpu/ready (tmpfs: gone at reboot; its text is the boot id)."""

    id = "gpu"
    title = "gpu"
    needs: tuple[str, ...] = ("k3s-serves",)

    def __init__(self, gpu: Gpu, node: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gpu = gpu
        self._node = node
        self._monotonic = monotonic
        self._since: float | None = None
        self.wait = Wait(limit_seconds=90, every_seconds=0.5)

    def probe(self, read: Look) -> Observation:
        """Compare allocatable with the declaration, and the marker with this boot."""
        boot = read.boot_id()
        marker = (read.text(read.places.gpu_marker) or "").strip()
        found = allocatable(read.api.get(f"/api/v1/nodes/{self._node}"), self._gpu.resource, boot)
        if found is None or found < self._gpu.required:
            self._since = None
            count = "not reported since this boot" if found is None else f"{found} of {self._gpu.count} allocatable"
            return Observation(Status.IN_PROGRESS, f"{self._gpu.resource}: {count}, {self._gpu.required} required")
        missing = f"{found} of {self._gpu.count} GPUs" if found < self._gpu.count else ""
        if marker == boot:
            return Observation(Status.CURRENT, f"{found} of {self._gpu.count} visible in this boot", degraded=missing)
        now = self._monotonic()
        if self._since is None:
            self._since = now
        if now - self._since < self._gpu.hold_seconds:
            return Observation(Status.IN_PROGRESS, f"{found} of {self._gpu.count} allocatable; watching that it holds")
        return Observation(Status.DRIFTED, "inference waits for the marker", differences=(("marker", marker, boot),))

    def apply(self, write: Hands, seen: Observation) -> None:
        """Set the marker."""
        try:
            write.write(write.places.gpu_marker, seen.differences[0][2] + "\n")
        except OSError as error:
            raise ApplyFailed(f"the marker could not be set: {error.strerror}") from error


class Withdrawn:
    """No marker stands for GPUs that are not there. Comes after `Visible` has waited: a plugin may restart."""

    id = "gpu-marker"
    title = "gpu marker"
    needs: tuple[str, ...] = ("k3s-serves",)
    wait = Wait(limit_seconds=15)

    def __init__(self, gpu: Gpu, node: str) -> None:
        self._gpu = gpu
        self._node = node

    def probe(self, read: Look) -> Observation:
        """Compare the marker with allocatable."""
        marker = (read.text(read.places.gpu_marker) or "").strip()
        boot = read.boot_id()
        found = allocatable(read.api.get(f"/api/v1/nodes/{self._node}"), self._gpu.resource, boot)
        if marker and (marker != boot or found is None or found < self._gpu.required):
            gone = (("marker", marker, ""),)
            return Observation(Status.DRIFTED, "the marker speaks of GPUs that are not there", differences=gone)
        return Observation(Status.CURRENT, "true" if marker else "not set")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Withdraw it."""
        del seen
        try:
            write.remove(write.places.gpu_marker)
        except OSError as error:
            raise ApplyFailed(f"the marker could not be withdrawn: {error.strerror}") from error


def allocatable(node: dict[str, Any] | None, resource: str, boot_id: str) -> int | None:
    """Return how many devices the node may hand out; None when it has not reported since this boot."""
    status = (node or {}).get("status", {})
    if not boot_id or status.get("nodeInfo", {}).get("bootID") != boot_id:
        return None
    try:
        return int(status.get("allocatable", {}).get(resource, "0"))
    except ValueError:
        return None
