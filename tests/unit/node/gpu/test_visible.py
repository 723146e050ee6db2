"""The marker that inference waits for: set only for GPUs seen in this boot, withdrawn when they go."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.gpu.visible import Visible, Withdrawn, allocatable
from edgectl.wire.payload import Gpu
from tests.unit.node.fake import FakeNode, case

RESOURCE = "nvidia.com/gpu"
PATH = "/api/v1/nodes/node-1"


class Watch:
    """A gate on a node with GPUs, and the clock that it sees."""

    def __init__(self, node: FakeNode, *, count: int = 2, required: int = 2) -> None:
        self.node = node
        self.now = 100.0
        self.declared = Gpu(RESOURCE, count, required, hold_seconds=3.0)
        self.gate = Visible(self.declared, "node-1", monotonic=lambda: self.now)
        self.show("node-rebooted-gpus")
        node.boot = case("node-rebooted-gpus")["status"]["nodeInfo"]["bootID"]

    def show(self, name: str, allocatable: str = "") -> None:
        """Let the API report this node object, with this many GPUs."""
        doc = case(name)
        if allocatable:
            doc["status"]["allocatable"][RESOURCE] = allocatable
        self.node.kube.objects[PATH] = doc

    def look(self, after: float = 0.0) -> Status:
        """Probe, so many seconds later."""
        self.now += after
        return self.gate.probe(self.node).status

    def bring(self) -> None:
        """Set or withdraw the marker, as a probe has asked for."""
        self.gate.apply(self.node, self.gate.probe(self.node))

    @property
    def marker(self) -> str | None:
        """The marker's text."""
        return self.node.text(self.node.places.gpu_marker)


@pytest.fixture
def watch(node: FakeNode) -> Watch:
    """Return a gate over two GPUs, both required and there."""
    return Watch(node)


def test_the_number_must_hold_before_the_marker_is_set(watch: Watch) -> None:
    """Allocatable flickers while a plugin registers: the number must stand for its time, then the marker is due."""
    assert watch.look() is Status.IN_PROGRESS
    assert watch.look(2.9) is Status.IN_PROGRESS
    assert watch.look(0.1) is Status.DRIFTED
    watch.bring()
    assert watch.marker == watch.node.boot + "\n"
    assert watch.look() is Status.CURRENT


def test_a_gap_starts_the_time_anew(watch: Watch) -> None:
    """Too few for one look: all of the time is asked for again."""
    watch.look()
    watch.show("node-rebooted-no-gpu-yet")
    assert watch.look(2.0) is Status.IN_PROGRESS
    watch.show("node-rebooted-gpus")
    assert watch.look(2.0) is Status.IN_PROGRESS
    assert watch.look(2.9) is Status.IN_PROGRESS
    assert watch.look(0.1) is Status.DRIFTED


@pytest.mark.parametrize("name", ["node-stale-after-reboot", "node-ready-gpus"])
def test_a_report_from_before_this_boot_is_none(watch: Watch, name: str) -> None:
    """Two GPUs allocatable, but in another boot: not reported, however long it stands."""
    watch.show(name)
    for _ in range(5):
        assert watch.look(10.0) is Status.IN_PROGRESS
    assert watch.marker is None


def test_a_marker_of_another_boot_is_not_believed(watch: Watch) -> None:
    """Should /run have survived, the text tells: it must become this boot's."""
    watch.node.write(watch.node.places.gpu_marker, "another-boot\n")
    assert watch.look() is Status.IN_PROGRESS
    assert watch.look(3.0) is Status.DRIFTED
    watch.bring()
    assert watch.marker == watch.node.boot + "\n"


@pytest.mark.parametrize("found", ["0", "1"])
def test_the_marker_goes_with_the_gpus(watch: Watch, found: str) -> None:
    """Fewer than required: the gate waits (a plugin may restart), and then the marker is withdrawn."""
    watch.look()
    watch.now += 3
    watch.bring()
    watch.show("node-rebooted-gpus", found)
    assert watch.look() is Status.IN_PROGRESS
    assert watch.marker is not None
    gate = Withdrawn(watch.declared, "node-1")
    seen = gate.probe(watch.node)
    assert seen.status is Status.DRIFTED
    gate.apply(watch.node, seen)
    gate.apply(watch.node, seen)  # a kill after the removal: the same again does nothing wrong
    assert watch.marker is None
    assert gate.probe(watch.node).status is Status.CURRENT
    assert watch.look() is Status.IN_PROGRESS


def test_a_true_marker_stays(watch: Watch) -> None:
    """As many as required in this boot: nothing is withdrawn."""
    watch.look()
    watch.now += 3
    watch.bring()
    assert Withdrawn(watch.declared, "node-1").probe(watch.node).status is Status.CURRENT


def test_between_required_and_count_it_serves_degraded(node: FakeNode) -> None:
    """One of two, one required: current, and the observation says what is missing."""
    watch = Watch(node, count=2, required=1)
    watch.show("node-rebooted-gpus", "1")
    watch.look()
    watch.now += 3
    watch.bring()
    seen = watch.gate.probe(node)
    assert (seen.status, seen.degraded) == (Status.CURRENT, "1 of 2 GPUs")
    watch.show("node-rebooted-gpus", "2")
    assert watch.gate.probe(node).degraded == ""


def test_a_marker_that_cannot_be_written_is_said(watch: Watch) -> None:
    """A failed apply, not a crash."""
    folder = watch.node.places.gpu_marker.parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    watch.look()
    watch.now += 3
    with pytest.raises(ApplyFailed, match="marker could not be set"):
        watch.bring()


@pytest.mark.parametrize(
    ("doc", "found"),
    [
        (None, None),
        ({}, None),
        ({"status": {"nodeInfo": {"bootID": "b"}}}, 0),
        ({"status": {"nodeInfo": {"bootID": "b"}, "allocatable": {RESOURCE: "4"}}}, 4),
        ({"status": {"nodeInfo": {"bootID": "a"}, "allocatable": {RESOURCE: "4"}}}, None),
        ({"status": {"nodeInfo": {"bootID": "b"}, "allocatable": {RESOURCE: "many"}}}, None),
        ({"status": {"nodeInfo": {"bootID": "b"}, "capacity": {RESOURCE: "4"}}}, 0),
    ],
)
def test_allocatable_is_what_counts(doc: dict[str, Any] | None, found: int | None) -> None:
    """Capacity is not asked, since it does not fall with a device's health; what cannot be read is no number."""
    assert allocatable(doc, RESOURCE, "b") == found


def test_an_unknown_boot_matches_nothing() -> None:
    """Where this boot's id cannot be read, a report without one is not of this boot."""
    assert allocatable({"status": {"allocatable": {RESOURCE: "2"}, "nodeInfo": {"bootID": ""}}}, RESOURCE, "") is None
