"""Step: the GPUs that pods may use have computed rightly in this boot, and the marker says so to waiting pods.

First the device plugin's number must stand (`status.allocatable` of this boot), then each GPU that it offers is tried
(smoke.py), then the marker is set. Where the plugin offers a GPU without proof, each pod needs a word of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.gpu import proof, smoked
from edgectl.node.gpu.checkpoint import held
from edgectl.node.gpu.counted import Count, allocatable
from edgectl.node.gpu.driver import Driver
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Gpu

_AGAIN_EVERY_SECONDS = 2.0
_BLINK_SECONDS = 10.0  # a plugin or a kubelet that restarts is back within it
_EACH = "not every declared GPU has a proof: each pod is told by its UID\n"


def count(read: Look, gpu: Gpu, node: str) -> Count:
    """Look at what the node's GPUs are declared to be, offered as, and proven to be."""
    seen = allocatable(read.api.get(f"/api/v1/nodes/{node}"), gpu, read.boot_id())
    return Count(gpu, proof.read(read), held(read, gpu.offered), seen)


def marked(read: Look) -> bool:
    """Tell whether the marker stands, for this boot."""
    return (read.text(read.places.gpu_marker) or "").strip() == read.boot_id() != ""


class Proven:
    """Holds the marker /run/edgectl/gpu/ready (tmpfs: gone at reboot; its text is the boot id), and what lies by it."""

    id = "gpu"
    title = "gpu"
    needs: tuple[str, ...] = ("k3s-serves", Driver.id)

    def __init__(
        self,
        gpu: Gpu,
        node: str,
        *,
        wait_seconds: float = 90.0,
        again_seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gpu = gpu
        self._node = node
        self._monotonic = monotonic
        self._sleep = sleep
        self._again_seconds = again_seconds  # for how long one that is not there yet is tried again
        self._since: float | None = None
        self.wait = Wait(limit_seconds=wait_seconds, every_seconds=0.5)

    def probe(self, read: Look) -> Observation:
        """Compare allocatable with the declaration, the record with what is offered, the marker with this boot."""
        return self.judge(read, self.count(read))

    def judge(self, read: Look, seen: Count) -> Observation:
        """Judge numbers that were looked at already."""
        if seen.short:
            self._since = None
            return Observation(Status.IN_PROGRESS, seen.short)
        if not seen.unnamed and not seen.to_try and not seen.enough:
            reason = f"{self._gpu.required} required: {'; '.join(seen.dead())}"[:500]
            return Observation(Status.FAILED, reason, evidence=seen.dead(), is_gate=True)
        is_marked = marked(read)
        if not is_marked and (left := self._holds()):
            reason = f"{seen.allocatable_text}; watching that it holds, {left:.0f} s more"
            return Observation(Status.IN_PROGRESS, reason)
        if seen.unnamed:
            return Observation(
                Status.IN_PROGRESS, f"{seen.allocatable_text}; the kubelet's record does not name them yet"
            )
        if seen.to_try:
            differences = tuple((uuid, "not tried", "computes") for uuid in seen.to_try)
            return Observation(Status.DRIFTED, "a GPU has not computed in this boot", differences=differences)
        if differences := _differences(read, seen, is_marked=is_marked):
            return Observation(Status.DRIFTED, "inference waits for the marker", differences=differences)
        reason = seen.proven_text if seen.by_cuda else seen.allocatable_text
        return Observation(Status.CURRENT, reason, degraded=seen.missing)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Try what is to be tried, then say what may be said."""
        del seen
        try:
            self._try(write)
            _say(write, count(write, self._gpu, self._node))
        except OSError as error:
            raise ApplyFailed(f"the marker could not be set: {error.strerror or error} ({error.filename})") from error

    def count(self, read: Look) -> Count:
        """Look at the numbers that this judges by."""
        return count(read, self._gpu, self._node)

    def give_up(self, write: Hands, uuid: str, failed: Device | None = None) -> None:
        """Take one GPU's proof back, the stricter word first; `failed` is the smoke that has shown it."""
        seen = self.count(write)
        write.write(write.places.gpu_each, _EACH)
        for pod in seen.pods_on([uuid]):
            write.remove(write.places.gpu_pods / pod)
        proof.keep(write, seen.proof.with_device(failed) if failed else seen.proof.without(uuid))
        proof.log(write.places, "withdrawn", uuid)
        if not self.count(write).enough:
            write.remove(write.places.gpu_marker)

    def _holds(self) -> float:
        """Return how much longer the number must stand."""
        now = self._monotonic()
        if self._since is None:
            self._since = now
        return max(self._gpu.hold_seconds - (now - self._since), 0.0)

    def _try(self, write: Hands) -> None:
        """Run the smoke of each GPU that is offered and not proven; one that is not yet there is given a moment."""
        found = count(write, self._gpu, self._node)
        if not found.by_cuda:
            return
        record = _listed(write, found.proof)
        proof.keep(write, record)
        deadline = self._monotonic() + self._again_seconds
        while todo := sorted(replace(found, proof=record).unproven):
            for uuid in todo:
                device = smoked.smoke(write, uuid)
                tries = next((known.tries for known in record.devices if known.uuid == uuid), 0) + 1
                record = record.with_device(replace(device, tries=tries, at=self._monotonic()))
                proof.keep(write, record)
                if device.ok:
                    proof.log(write.places, "proven", uuid)
            late = [device for device in record.devices if device.uuid in todo and not device.ok and not device.never]
            if not late or self._monotonic() >= deadline:
                return
            self._sleep(_AGAIN_EVERY_SECONDS)


class Withdrawn:
    """No marker stands for GPUs that are not there. Comes after `Proven` has waited; a plugin may just restart."""

    id = "gpu-marker"
    title = "gpu marker"
    needs: tuple[str, ...] = ("k3s-serves",)
    wait = Wait(limit_seconds=15)

    def __init__(self, gpu: Gpu, node: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gpu = gpu
        self._node = node
        self._monotonic = monotonic
        self._since: float | None = None

    def probe(self, read: Look) -> Observation:
        """Compare the marker with what is offered and proven."""
        marker = (read.text(read.places.gpu_marker) or "").strip()
        gone = (("marker", marker, ""),)
        if marker and marker != read.boot_id():
            return Observation(Status.DRIFTED, "the marker is of another boot", differences=gone)
        if not marker or count(read, self._gpu, self._node).enough:
            self._since = None
            return Observation(Status.CURRENT, "true" if marker else "not set")
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since < _BLINK_SECONDS:
            return Observation(Status.IN_PROGRESS, "the GPUs that the marker speaks of are away")
        return Observation(Status.DRIFTED, "the marker speaks of GPUs that are not there", differences=gone)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Withdraw it."""
        del seen
        try:
            write.remove(write.places.gpu_marker)
        except OSError as error:
            raise ApplyFailed(f"the marker could not be withdrawn: {error.strerror}") from error


def _listed(write: Hands, record: Proof) -> Proof:
    """Add the devices that the driver lists, in its order: those that were not tried are known by name then."""
    known = {device.uuid: device for device in record.devices}
    listed = {device.uuid: known.get(device.uuid, device) for device in smoked.listed(write)[0]}
    return replace(record, devices=(*listed.values(), *(known[uuid] for uuid in known if uuid not in listed)))


def _differences(read: Look, seen: Count, *, is_marked: bool) -> tuple[tuple[str, str, str], ...]:
    found = [] if is_marked else [("marker", "not set", "this boot")]
    have, want = read.text(read.places.gpu_each) is not None, seen.each
    if have != want:
        found.append(("each pod is asked", str(have).lower(), str(want).lower()))
    if want:
        there = frozenset(read.names(read.places.gpu_pods))
        found += [(f"pod {uid}", "waits", "may start") for uid in sorted(seen.may_pass() - there)]
        found += [(f"pod {uid}", "may start", "is not asked for") for uid in sorted(there - seen.may_pass())]
    return tuple(found)


def _say(write: Hands, seen: Count) -> None:
    """Write what waiting pods read, the stricter word first: `each` and its pods, then the marker."""
    places = write.places
    if seen.short or not seen.enough:
        return
    if seen.each:
        write.write(places.gpu_each, _EACH)
        for uid in write.names(places.gpu_pods):
            if uid not in seen.may_pass():
                write.remove(places.gpu_pods / uid)
        for uid in seen.may_pass():
            write.write(places.gpu_pods / uid, "")
    boot = write.boot_id()
    if not marked(write):
        write.write(places.gpu_marker, boot + "\n")
    if not seen.each:
        write.remove(places.gpu_each)
