"""What other tools are told through the API: written when it changes or grows old, never at the caller's cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from edgectl.node.gpu.told import CONDITION, happened, tell
from tests.unit.node.fake import FakeNode, case

PATH = "/api/v1/nodes/node-1"
NOON = 1_795_780_800.0  # 2026-11-27T12:00:00Z


@dataclass
class Teller:
    """A node whose API remembers, and the wall clock."""

    node: FakeNode
    now: float = NOON

    def tell(self, reason: str = "GpuProven", message: str = "2 of 2", *, ready: bool = True) -> dict[str, Any]:
        """Tell; return the condition as it then is."""
        tell(self.node, "node-1", ready, reason, message, clock=lambda: self.now)
        conditions = self.node.kube.objects[PATH]["status"]["conditions"]
        return next((one for one in conditions if one["type"] == CONDITION), {})

    @property
    def writes(self) -> int:
        """How often the status was written."""
        return self.node.kube.written.count(f"{PATH}/status")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The Events that were left."""
        return [item for path, item in self.node.kube.objects.items() if "/events/" in path]


@pytest.fixture
def teller(node: FakeNode) -> Teller:
    """Return a node that the API knows."""
    node.kube.objects[PATH] = case("node-rebooted-gpus")
    return Teller(node)


def test_a_condition_stands_beside_the_kubelets_own(teller: Teller) -> None:
    """True with its reason and times; Ready, DiskPressure and the rest stay."""
    before = [one["type"] for one in teller.node.kube.objects[PATH]["status"]["conditions"]]
    found = teller.tell()
    assert found == {
        "type": CONDITION,
        "status": "True",
        "reason": "GpuProven",
        "message": "2 of 2",
        "lastHeartbeatTime": "2026-11-27T12:00:00Z",
        "lastTransitionTime": "2026-11-27T12:00:00Z",
    }
    assert [one["type"] for one in teller.node.kube.objects[PATH]["status"]["conditions"]] == [*before, CONDITION]


def test_it_is_written_on_a_change_or_when_it_is_old(teller: Teller) -> None:
    """The same within five minutes costs one read; then a heartbeat; a clock that was set back is no reason to wait."""
    for seconds, writes in ((0, 1), (299, 1), (1, 2), (-3600, 3), (10, 3)):
        teller.now += seconds
        teller.tell()
        assert teller.writes == writes, seconds
    teller.tell(message="1 of 2")
    assert teller.writes == 4


def test_the_transition_is_when_the_status_changed(teller: Teller) -> None:
    """Another message or reason keeps the time; another status does not."""
    teller.tell()
    teller.now += 60
    assert teller.tell(message="1 of 2", reason="GpuFewer")["lastTransitionTime"] == "2026-11-27T12:00:00Z"
    teller.now += 60
    gone = teller.tell("GpuWithdrawn", "GPU 0: Xid 79", ready=False)
    assert (gone["status"], gone["lastTransitionTime"]) == ("False", "2026-11-27T12:02:00Z")


def test_an_event_comes_with_a_change(teller: Teller) -> None:
    """One at each change of status or reason, none at a heartbeat; a loss is a warning. It is about the Node."""
    teller.tell()
    teller.now += 600
    teller.tell()
    teller.tell("GpuWithdrawn", "x" * 5000, ready=False)
    assert sorted((one["reason"], one["type"]) for one in teller.events) == [
        ("GpuProven", "Normal"),
        ("GpuWithdrawn", "Warning"),
    ]
    for one in teller.events:
        assert one["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "node-1"}
        assert (one["metadata"]["namespace"], len(one["message"]) <= 1024) == ("default", True)


def test_deeds_are_events_of_their_own(teller: Teller) -> None:
    """The same deed twice is two Events, under two names."""
    for _ in range(2):
        happened(teller.node, "node-1", "GpuPluginRestarted", "no GPU for 60 s", clock=lambda: NOON)
    happened(teller.node, "node-1", "GpuHeld", "3 tries in vain", warning=True, clock=lambda: NOON)
    assert [one["reason"] for one in teller.events].count("GpuPluginRestarted") == 2
    assert {one["type"] for one in teller.events if one["reason"] == "GpuHeld"} == {"Warning"}


def test_failing_to_tell_fails_nobody(teller: Teller) -> None:
    """API down, refused, no such node, an object that is none: the caller goes on."""
    teller.node.kube.denies = "nodes node-1 is forbidden"
    assert teller.tell() == {}
    teller.node.kube.denies, teller.node.kube.down = "", True
    assert teller.tell() == {}
    happened(teller.node, "node-1", "GpuHeld", "held")
    teller.node.kube.down = False
    tell(teller.node, "node-9", True, "GpuProven", "2 of 2")
    teller.node.kube.objects[PATH]["status"]["conditions"] = ["torn"]
    tell(teller.node, "node-1", True, "GpuProven", "2 of 2")
    assert teller.events == []
