"""The cluster's DNS is kept on the server of a store of several nodes, and nowhere where that would end it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.k3s.dns import DEPLOYMENT, HOSTNAME, NamesStay, judge
from edgectl.node.k3s.joined import path_of
from tests.unit.node.fake import FakeNode

OS = {"kubernetes.io/os": "linux"}
STEP = NamesStay("node-1", needs=())


def coredns(**selector: str) -> dict[str, Any]:
    """Return its Deployment, as k3s brings it, with more in its selector."""
    named = {"nodeSelector": {**OS, **selector}, "containers": [{"name": "coredns"}]}
    return {"metadata": {"name": "coredns"}, "spec": {"replicas": 1, "template": {"spec": named}}}


@pytest.fixture
def lead(node: FakeNode) -> FakeNode:
    """Return a server whose k3s brings CoreDNS."""
    path = node.places.k3s_data / "server/manifests/coredns.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("kind: Deployment\n")
    node.kube.objects[path_of("node-1")] = {"spec": {"taints": []}}
    return node


def test_it_is_kept_once_and_nothing_of_k3ss_is_lost(lead: FakeNode) -> None:
    """Drifted, named, current; a second look writes nothing.

    Seeded: the selector in the place of k3s's own.
    """
    lead.kube.objects[DEPLOYMENT] = coredns()
    seen = STEP.probe(lead)
    assert (seen.status, seen.differences) == (Status.DRIFTED, ((HOSTNAME, "any node", "node-1"),))
    STEP.apply(lead, seen)
    assert lead.kube.objects[DEPLOYMENT] == coredns(**{HOSTNAME: "node-1"})
    assert STEP.probe(lead).status is Status.CURRENT
    assert lead.kube.written == [DEPLOYMENT]


def test_another_server_is_named_in_its_place() -> None:
    """A store whose server is called otherwise now."""
    seen = judge(coredns(**{HOSTNAME: "old"}), {}, "node-1")
    assert (seen.status, seen.differences) == (Status.DRIFTED, ((HOSTNAME, "old", "node-1"),))


@pytest.mark.parametrize(
    ("key", "effect", "status"),
    [
        ("dedicated", "NoSchedule", Status.CURRENT),
        ("dedicated", "NoExecute", Status.CURRENT),
        ("node.kubernetes.io/unschedulable", "NoSchedule", Status.CURRENT),
        ("dedicated", "PreferNoSchedule", Status.DRIFTED),
        ("CriticalAddonsOnly", "NoExecute", Status.DRIFTED),
        ("node-role.kubernetes.io/control-plane", "NoSchedule", Status.DRIFTED),
    ],
)
def test_a_server_that_takes_no_such_pod_is_left_without(key: str, effect: str, status: Status) -> None:
    """A DNS that waits for a place for ever is worse than one that may go.

    Seeded: taints that are not asked for.
    """
    assert judge(coredns(), {"spec": {"taints": [{"key": key, "effect": effect}]}}, "node-1").status is status


CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
STARTS = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
PRESSED = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
OWN = {"key": "dedicated", "effect": "NoExecute"}


@pytest.mark.parametrize("taint", [CORDONED, PRESSED, OWN])
def test_a_server_that_takes_no_more_pods_is_let_go(lead: FakeNode, taint: dict[str, str]) -> None:
    """Law: an evicted DNS does not wait for a server that will not take it; named again when it does.

    Seeded: kept once, kept for ever; the name laid over with nothing, which k3s's own selector goes with.
    """
    pinned = coredns(**{HOSTNAME: "node-1"})
    lead.kube.objects[path_of("node-1")] = {"spec": {"taints": [taint]}}
    lead.kube.objects[DEPLOYMENT] = {**pinned, "status": {"availableReplicas": 1}}
    assert STEP.probe(lead).status is Status.CURRENT, "it runs there: nothing is moved"
    lead.kube.objects[DEPLOYMENT] = {**pinned, "status": {"replicas": 1, "unavailableReplicas": 1}}
    seen = STEP.probe(lead)
    assert (seen.status, seen.differences) == (Status.DRIFTED, ((HOSTNAME, "node-1", "any node"),))
    assert seen.reason == f"waits for node-1, which takes no such pods ({taint['key']})"
    STEP.apply(lead, seen)
    assert lead.kube.objects[DEPLOYMENT]["spec"] == coredns()["spec"]
    assert STEP.probe(lead).status is Status.CURRENT
    lead.kube.objects[path_of("node-1")] = {"spec": {}}
    assert STEP.probe(lead).differences == ((HOSTNAME, "any node", "node-1"),)


def test_a_server_that_only_starts_is_waited_for() -> None:
    """Its taint goes by itself: no reason to move names away, nor to name it in that moment."""
    node = {"spec": {"taints": [STARTS]}}
    assert judge(coredns(**{HOSTNAME: "node-1"}), node, "node-1").status is Status.CURRENT
    assert judge(coredns(), node, "node-1").status is Status.CURRENT


_TAINTS = [CORDONED, STARTS, PRESSED, OWN]


@pytest.mark.parametrize("have", ["", "node-1", "old"])
def test_it_never_goes_to_and_fro(have: str) -> None:
    """Law: what was applied is not drifted, whether the pod runs by then or not, whatever keeps it off.

    Seeded: named where the pod cannot go, let go where it can.
    """
    every = (taints for n in range(len(_TAINTS) + 1) for taints in itertools.combinations(_TAINTS, n))
    for taints, runs in itertools.product(every, (0, 1)):
        node, status = {"spec": {"taints": list(taints)}}, {"status": {"availableReplicas": runs}}
        seen = judge({**coredns(**({HOSTNAME: have} if have else {})), **status}, node, "node-1")
        if seen.status is Status.CURRENT:
            continue
        ((_, _, want),) = seen.differences
        then = coredns(**({HOSTNAME: want} if want != "any node" else {}))
        for later in (0, 1):
            again = judge({**then, "status": {"availableReplicas": later}}, node, "node-1")
            assert again.status is Status.CURRENT, (taints, runs, later)


def test_what_k3s_does_not_bring_is_not_waited_for(lead: FakeNode) -> None:
    """Disabled (no manifest) or skipped: fine. Else k3s makes it in a moment."""
    assert STEP.probe(lead).status is Status.IN_PROGRESS
    manifest = lead.places.k3s_data / "server/manifests/coredns.yaml"
    skip = manifest.with_name("coredns.yaml.skip")
    skip.touch()
    assert STEP.probe(lead).status is Status.CURRENT
    skip.unlink()
    manifest.unlink()
    assert STEP.probe(lead).status is Status.CURRENT


def test_a_refusal_is_said(lead: FakeNode) -> None:
    """Nothing is called done that the API has not taken."""
    lead.kube.objects[DEPLOYMENT] = coredns()
    seen = STEP.probe(lead)
    lead.kube.denies = "no"
    with pytest.raises(ApplyFailed, match=r"coredns could not be kept on node-1: no"):
        STEP.apply(lead, seen)
    assert json.dumps(lead.kube.objects[DEPLOYMENT]) == json.dumps(coredns())
