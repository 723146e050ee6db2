"""How many GPUs may be used: declared, offered and proven, counted for shared and dead and surplus ones."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.gpu.checkpoint import Held, parse
from edgectl.node.gpu.counted import Count, allocatable
from edgectl.node.gpu.proof import Device, Proof
from edgectl.wire.payload import Gpu

GPU = "nvidia.com/gpu"
MIG = "nvidia.com/mig-1g.10gb"
A, B, C = (f"GPU-5a9dbc01-0000-4000-8000-00000000000{index}" for index in range(3))


def good(*uuids: str) -> tuple[Device, ...]:
    """Return devices that have computed."""
    return tuple(Device(uuid, "T4", ok=True, tries=1) for uuid in uuids)


def bad(uuid: str, reason: str = "computed wrongly") -> Device:
    """Return one that has not."""
    return Device(uuid, "T4", never=True, reason=reason, tries=1)


def seen(
    gpu: Gpu, proof: tuple[Device, ...], registered: dict[str, list[str]], pods: dict[str, list[str]] | None = None
) -> Count:
    """Return a count where the API agrees with the kubelet's record."""
    by_pod = {pod: frozenset(devices) for pod, devices in (pods or {}).items()}
    held = Held(by_pod, {name: frozenset(devices) for name, devices in registered.items()})
    return Count(gpu, Proof("b", proof), held, {name: len(devices) for name, devices in registered.items()})


def test_all_there() -> None:
    """As many as declared, offered and proven: enough, nothing missing, nothing to try."""
    count = seen(Gpu(GPU, 2, 2), good(A, B), {GPU: [A, B]})
    assert (count.enough, count.missing, count.to_try, count.unproven) == (True, "", (), frozenset())


def test_offered_is_not_proven() -> None:
    """What the plugin offers counts for nothing before it has computed in this boot."""
    count = seen(Gpu(GPU, 2, 1), (), {GPU: [A, B]})
    assert not count.enough
    assert count.to_try == (A, B)
    assert count.unproven == {A, B}


def test_between_required_and_count_the_dead_one_is_named() -> None:
    """One of two: enough where one is required, and the sentence names which one is missing."""
    count = seen(Gpu(GPU, 2, 1), (*good(A), Device(B, "T4")), {GPU: [A]})
    assert count.enough
    assert count.missing == f"1 of 2 {GPU}; {B}: the device plugin does not offer it"
    assert not seen(Gpu(GPU, 2, 2), good(A), {GPU: [A]}).enough


def test_a_declared_card_that_nobody_has_seen_is_named() -> None:
    """The inventory knows the cards by their UUIDs: the one that is gone is named, though no driver lists it."""
    count = seen(Gpu(GPU, 2, 1, uuids=(A, B)), good(A), {GPU: [A]})
    assert B in count.missing


def test_one_that_is_offered_and_computes_wrongly() -> None:
    """Allocatable without working CUDA: not counted, named with its reason, and each pod must be asked for."""
    count = seen(Gpu(GPU, 2, 1), (*good(A), bad(B)), {GPU: [A, B]}, {"one": [A], "two": [B], "both": [A, B]})
    assert count.enough
    assert count.unproven == {B}
    assert count.missing == f"{B}: computed wrongly"
    assert count.may_pass() == {"one"}
    assert not seen(Gpu(GPU, 2, 2), (*good(A), bad(B)), {GPU: [A, B]}).enough


def test_a_plugin_that_registers_more_than_exists() -> None:
    """Surplus devices have no proof: they count for nothing, and the sentence says what is wrong with the count."""
    count = seen(Gpu(GPU, 1, 1), (*good(A), bad(B, "there is no such GPU")), {GPU: [A, B]})
    assert count.enough
    assert count.unproven == {B}
    assert f"the device plugin offers 2 {GPU} and 1 are declared: correct gpu.count" in count.missing


def test_time_slices_are_their_gpus() -> None:
    """Four shares of two GPUs: one proof a GPU; `required` GPUs mean their shares."""
    gpu = Gpu(GPU, 2, 1, offers={GPU: 4})
    shares = [f"{uuid}::{index}" for uuid in (A, B) for index in (0, 1)]
    count = seen(gpu, good(A), {GPU: shares}, {"pod": [shares[0]]})
    assert gpu.least == {GPU: 2}
    assert count.enough
    assert count.to_try == (B,)
    assert count.may_pass() == {"pod"}
    assert not seen(gpu, good(A), {GPU: shares[:1]}).enough


def test_mig_devices_are_tried_each() -> None:
    """Two resources, a MIG device each counted by its own UUID; a resource that is short says so."""
    gpu = Gpu(GPU, 2, 2, offers={GPU: 1, MIG: 2})
    slices = ["MIG-a", "MIG-b"]
    count = seen(gpu, good(A, "MIG-a"), {GPU: [A], MIG: slices})
    assert count.to_try == ("MIG-b",)
    assert not count.enough
    assert seen(gpu, good(A, *slices), {GPU: [A], MIG: slices}).enough
    assert seen(gpu, good(A, *slices), {GPU: [A], MIG: slices[:1]}).short == f"{MIG}: 1 of 2 allocatable, 2 required"


def test_without_the_kubelets_record_nothing_is_guessed() -> None:
    """A checkpoint that cannot be read names no device: none is tried, none is taken for proven."""
    count = Count(Gpu(GPU, 2, 2), Proof("b", good(A, B)), Held(), {GPU: 2})
    assert (count.unnamed, count.to_try, count.enough) == (True, (), False)


def test_each_pod_is_told_unless_all_declared_gpus_are_proven() -> None:
    """A GPU that is not offered now may be, between two looks, and a pod be given it: pods are told in time."""
    assert not seen(Gpu(GPU, 2, 1), good(A, B), {GPU: [A, B]}).each
    assert seen(Gpu(GPU, 2, 1), good(A, B), {GPU: [A]}).each
    assert seen(Gpu(GPU, 2, 1), (*good(A), Device(B)), {GPU: [A, B]}).each
    assert not seen(Gpu("amd.com/gpu", 2, 1), (), {"amd.com/gpu": ["0"]}).each


def test_gpus_of_other_makers_have_the_plugins_word() -> None:
    """CUDA does not speak to them: allocatable is all there is, and the count says so."""
    count = seen(Gpu("amd.com/gpu", 2, 2), (), {"amd.com/gpu": ["0", "1"]})
    assert (count.by_cuda, count.enough, count.to_try, count.unproven) == (False, True, (), frozenset())
    assert not seen(Gpu("amd.com/gpu", 2, 2), (), {"amd.com/gpu": ["0"]}).enough


def test_zero_required_is_enough_with_none() -> None:
    """A store that serves without: nothing is required, and what is missing is said."""
    count = seen(Gpu(GPU, 1, 0), (), {})
    assert count.enough
    assert count.missing.startswith("0 of 1")


@pytest.mark.parametrize("found", [None, {}, {GPU: 0}])
def test_nothing_reported_is_never_enough(found: dict[str, int] | None) -> None:
    """No gate passes on nothing: no report of this boot, no such resource, zero."""
    count = Count(Gpu(GPU, 1, 1), Proof("b", good(A)), Held({}, {GPU: frozenset([A])}), found)
    assert not count.enough
    assert count.short
    assert count.offered == frozenset()


@pytest.mark.parametrize(
    ("doc", "found"),
    [
        (None, None),
        ({}, None),
        ({"status": {"nodeInfo": {"bootID": "b"}}}, {GPU: 0}),
        ({"status": {"nodeInfo": {"bootID": "b"}, "allocatable": {GPU: "4"}}}, {GPU: 4}),
        ({"status": {"nodeInfo": {"bootID": "a"}, "allocatable": {GPU: "4"}}}, None),
        ({"status": {"nodeInfo": {"bootID": "b"}, "allocatable": {GPU: "many"}}}, {GPU: 0}),
        ({"status": {"nodeInfo": {"bootID": "b"}, "capacity": {GPU: "4"}}}, {GPU: 0}),
    ],
)
def test_allocatable_is_what_counts(doc: dict[str, Any] | None, found: dict[str, int] | None) -> None:
    """Capacity is not asked, since it does not fall with a device's health; a report of another boot is none."""
    assert allocatable(doc, Gpu(GPU, 1, 1), "b") == found


def test_an_unknown_boot_matches_nothing() -> None:
    """Where this boot's id cannot be read, a report without one is not of this boot."""
    assert allocatable({"status": {"allocatable": {GPU: "2"}, "nodeInfo": {"bootID": ""}}}, Gpu(GPU, 1, 1), "") is None


CHECKPOINT = (
    '{"Data":{"PodDeviceEntries":[{"PodUID":"u1","ContainerName":"inference","ResourceName":"nvidia.com/gpu",'
    '"DeviceIDs":{"-1":["GPU-a"],"0":["GPU-b"]},"AllocResp":"CgA="},{"PodUID":"u2","ContainerName":"x",'
    '"ResourceName":"other.com/nic","DeviceIDs":{"-1":["n1"]},"AllocResp":""}],'
    '"RegisteredDevices":{"nvidia.com/gpu":["GPU-a","GPU-b"],"other.com/nic":null}},"Checksum":1}'
)


def test_the_kubelets_record() -> None:
    """Devices by pod over all NUMA nodes, and what is registered, of the resources that are asked for."""
    found = parse(CHECKPOINT, frozenset([GPU]))
    assert found.by_pod == {"u1": {"GPU-a", "GPU-b"}}
    assert found.registered == {GPU: {"GPU-a", "GPU-b"}}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Data": 3}', '{"Data": {"PodDeviceEntries": [{}]}}', "null"])
def test_a_torn_record_is_none(text: str) -> None:
    """What cannot be read names nobody, and nothing as registered."""
    assert parse(text, frozenset([GPU])) == Held()
