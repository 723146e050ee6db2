"""Which pods a restart has left dead: judged on pods that a real reboot left."""

from __future__ import annotations

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.vision.dead import Dead, why_dead
from tests.unit.node.fake import FakeNode, case


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unexpected-admission", "UnexpectedAdmissionError"),
        ("serving", ""),
        ("gated", ""),
        ("lost-at-reboot", ""),  # the kubelet starts it again itself
        ("crash-back-off-4", ""),
        ("no-image", ""),
        ("job-failed", ""),
        ("job-done", ""),
        ("job-lost-at-reboot", ""),
    ],
)
def test_only_what_a_restart_left_dead_is_dead(name: str, reason: str) -> None:
    """A pod that the kubelet refused after the reboot is dead; one that waits, crashes or has ended is not."""
    assert why_dead(case(f"pod-{name}")) == reason


@pytest.mark.parametrize("reason", ["NodeShutdown", "NodeAffinity", "Terminated"])
def test_the_other_reasons_of_a_restart(reason: str) -> None:
    """A graceful node shutdown leaves pods of these reasons."""
    pod = case("pod-unexpected-admission")
    pod["status"]["reason"] = reason
    assert why_dead(pod) == reason


def test_a_container_whose_end_nobody_saw_is_dead() -> None:
    """After a power cut a failed pod may bear its reason only in a container's state."""
    pod = case("pod-unexpected-admission")
    del pod["status"]["reason"]
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"reason": "ContainerStatusUnknown"}}
    assert why_dead(pod) == "ContainerStatusUnknown"
    pod["status"]["containerStatuses"][0]["state"] = None
    assert why_dead(pod) == ""


def test_a_naked_pod_is_left_for_a_person() -> None:
    """Nobody would replace it."""
    pod = case("pod-unexpected-admission")
    del pod["metadata"]["ownerReferences"]
    assert why_dead(pod) == ""


def test_what_goes_already_is_not_deleted_again() -> None:
    """A pod with a deletion timestamp is on its way."""
    pod = case("pod-unexpected-admission")
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert why_dead(pod) == ""


def test_the_dead_go_and_the_living_stay(node: FakeNode) -> None:
    """Exactly the dead pods of our namespaces are deleted; a second look finds none."""
    dead, living = case("pod-unexpected-admission"), case("pod-serving")
    living["metadata"]["name"] = "alive"
    place = "/api/v1/namespaces/vision/pods/"
    node.kube.objects[place + dead["metadata"]["name"]] = dead
    node.kube.objects[place + "alive"] = living
    node.kube.objects[f"/api/v1/namespaces/others/pods/{dead['metadata']['name']}"] = dead
    step = Dead(("gpu-system", "vision", "vision"), needs=())
    seen = step.probe(node)
    assert (seen.status, len(seen.differences)) == (Status.DRIFTED, 1)
    step.apply(node, seen)
    assert node.kube.deleted == [place + dead["metadata"]["name"]]
    assert step.probe(node).status is Status.CURRENT
