"""Kubernetes serves: judged on node objects that a real node's API gave."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.k3s.serves import Serves, judge
from tests.unit.node.fake import FakeNode, case

VERSION = "v1.36.3+k3s1"
PATH = "/api/v1/nodes/node-1"


def boot_of(doc: dict[str, Any]) -> str:
    """Return the boot in which a node object was reported."""
    return str(doc["status"]["nodeInfo"]["bootID"])


REBOOTED = boot_of(case("node-rebooted-gpus"))


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("node-rebooted-gpus", Status.CURRENT, "v1.36.3+k3s1, node Ready"),
        ("node-rebooted-no-gpu-yet", Status.CURRENT, "node Ready"),  # GPUs are another gate's
        ("node-stale-after-reboot", Status.IN_PROGRESS, "has not reported since this boot"),
        ("node-ready-gpus", Status.IN_PROGRESS, "has not reported since this boot"),
    ],
)
def test_only_a_report_of_this_boot_is_believed(name: str, status: Status, says: str) -> None:
    """For seconds after the API answers, the node still reads Ready from before the reboot: that is not yet."""
    seen = judge(case(name), version=VERSION, boot_id=REBOOTED)
    assert (seen.status, says in seen.reason) == (status, True), seen


def test_the_stale_report_would_have_passed() -> None:
    """The case bites: all but the boot id of that stale object says Ready with the declared version."""
    stale = case("node-stale-after-reboot")
    assert judge(stale, version=VERSION, boot_id=boot_of(stale)).status is Status.CURRENT


def test_a_node_that_is_not_ready_says_why_in_its_own_words() -> None:
    """Not yet, with the kubelet's message."""
    doc = case("node-not-ready")
    seen = judge(doc, version=VERSION, boot_id=boot_of(doc))
    assert seen.status is Status.IN_PROGRESS
    assert "cni plugin not initialized" in seen.reason


def test_another_version_than_declared_is_no_pass() -> None:
    """What runs is compared with what is declared, and the difference is shown."""
    seen = judge(case("node-rebooted-gpus"), version="v1.37.0+k3s1", boot_id=REBOOTED)
    assert seen.status is Status.IN_PROGRESS
    assert seen.differences == (("kubeletVersion", VERSION, "v1.37.0+k3s1"),)


@pytest.mark.parametrize("doc", [None, {}, {"status": {}}, {"status": {"nodeInfo": {"bootID": REBOOTED}}}])
def test_nothing_never_passes(doc: dict[str, Any] | None) -> None:
    """No object, an empty one, one without conditions: all are a no."""
    assert judge(doc, version=VERSION, boot_id=REBOOTED).status is Status.IN_PROGRESS


def test_an_unknown_boot_matches_nothing() -> None:
    """Where this boot's id cannot be read, a report without one is not of this boot."""
    doc = case("node-rebooted-gpus")
    doc["status"]["nodeInfo"]["bootID"] = ""
    assert judge(doc, version=VERSION, boot_id="").status is Status.IN_PROGRESS


def test_a_node_under_pressure_is_no_pass() -> None:
    """Ready, but out of disk: named."""
    doc = case("node-rebooted-gpus")
    next(item for item in doc["status"]["conditions"] if item["type"] == "DiskPressure")["status"] = "True"
    seen = judge(doc, version=VERSION, boot_id=REBOOTED)
    assert (seen.status, seen.reason) == (Status.IN_PROGRESS, "the node reports DiskPressure")


def test_the_gate_asks_readyz_first(node: FakeNode) -> None:
    """An API that does not answer, or is not ready, is "not yet" even when the node object would pass."""
    gate = Serves("node-1", VERSION)
    node.boot = REBOOTED
    node.kube.objects[PATH] = case("node-rebooted-gpus")
    assert gate.probe(node).status is Status.CURRENT
    node.kube.denies = "[-]etcd failed"
    assert gate.probe(node).status is Status.IN_PROGRESS
    node.kube.denies, node.kube.down = "", True
    assert gate.probe(node).status is Status.IN_PROGRESS
