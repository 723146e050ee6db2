"""What a person or a run of ours has left: a cordon, a workload at 0, a run without end; and one word for one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.doctor import cordon, dns, looked, pods, standing
from edgectl.node.doctor.symptom import NOTE, WRONG, Symptom
from edgectl.wire.chain import CONFIG, NOT_READY, State
from edgectl.wire.finding import STOP
from edgectl.wire.payload import ManagedFile
from tests.laws.test_recipe import keeping, payload
from tests.unit.node.doctor.store import NOW, Facts, codes
from tests.unit.node.doctor.test_causes import crashing, looping, no_bus
from tests.unit.node.fake import FakeNode
from tests.unit.node.gpu.test_why import NO_UVM
from tests.unit.node.vision.chain.store import CASES, says, seen, well, without_canary

WELL = Facts()
CLOSED = {"spec": {"unschedulable": True, "taints": [{"key": "node.kubernetes.io/unschedulable", "timeAdded": "T"}]}}


def closed(facts: Facts) -> Facts:
    """Cordon the node."""
    one = cordon.judged({"node-1": CLOSED})
    assert one is not None
    return replace(facts, more=(one,))


def test_a_cordoned_node_is_named_where_all_still_run() -> None:
    """It serves, and something is missing: what ends does not start again."""
    found = closed(WELL).diagnosed()
    (cause,) = found.causes
    assert (cause.code, cause.part, found.word) == ("E-NOD-05", "node", "degraded")
    assert "told to take no pods" in cause.says
    assert "kubectl uncordon node-1" in cause.do
    assert cordon.judged({"node-1": {"spec": {}}}) is None


def test_pods_without_a_place_follow_from_a_cordon() -> None:
    """And what they serve; a crash does not."""
    waits = no_bus(WELL.pod("bus", "0 of 1", "bus: 0/1 nodes are available: 1 node(s) were unschedulable."))
    (cause,) = closed(waits).diagnosed().causes
    assert (cause.code, cause.so, cause.stops) == ("E-NOD-05", ("pods of bus", "bus", "uplink", "sink", "drift"), True)
    crash = WELL.pod("camera", "camera crash-loops: exit 1 (Error)", status=Status.FAILED)
    assert codes(closed(crash)) == ["E-POD-01", "E-NOD-05"]


def at_zero(facts: Facts, name: str, *more: tuple[str, str, str]) -> Facts:
    """Scale a Deployment to 0: its release and its pods say so."""
    differences = ((f"Deployment/{name} spec.replicas", "0", "1"), *more)
    said = f"changed by hand: {differences[0][0]}"
    facts = facts.step("release-vision-stack", "drifted", said, differences=differences)
    return facts.pod(name, "0 of 1 running", f"Deployment/{name}: spec.replicas is 0, declared replicas 1")


def test_who_was_scaled_to_0_is_the_cause_not_its_release() -> None:
    """The part is the service, the sentence says so, what is silent because of it follows."""
    (cause,) = at_zero(no_bus(WELL), "bus").diagnosed().causes
    assert (cause.code, cause.part, cause.stops) == ("E-POD-10", "bus", True)
    assert "Deployment/bus was scaled to 0 by hand" in cause.says
    (cause,) = at_zero(WELL, "nvidia-device-plugin").diagnosed().causes
    assert cause.part == "gpu-plugin", "nobody's service, and the plugin"


def test_two_at_0_are_two_and_other_changes_are_the_releases() -> None:
    """Each its own; a release that differs in more is named, too."""
    both = (("Deployment/uplink spec.replicas", "0", "1"),)
    found = at_zero(WELL, "bus", *both).diagnosed()
    assert {cause.part for cause in found.causes} == {"bus", "uplink"}
    assert {cause.part for cause in at_zero(WELL, "bus", ("Service/bus spec.ports", "1", "2")).diagnosed().causes} == {
        "bus",
        "release vision-stack",
    }


@pytest.mark.parametrize(
    ("since", "status", "says"),
    [
        ("2027-01-15T07:50:00Z", NOTE, "a heal of bob runs since 2027-01-15T07:50:00Z"),
        ("2027-01-14T05:00:00Z", WRONG, "for 27 hours"),
        ("2027-01-15T06:50:00Z", WRONG, "for 70 minutes"),
        ("1970-01-01T00:00:10Z", NOTE, "1970"),
        ("now", NOTE, "since now"),
    ],
)
def test_a_run_that_does_not_end_is_a_cause(since: str, status: str, says: str) -> None:
    """Some minutes are a note; hours are a fault; a time of a clock that was not set says nothing."""
    held = {"kind": "heal", "sender": {"user": "bob"}, "since": since, "pid": 42, "run": "ab"}
    one = standing.running(held, NOW)
    assert (one.status, one.code) == (status, "E-RUN-06" if status == WRONG else "E-RUN-04")
    assert says in one.says
    found = replace(WELL, more=(one,)).diagnosed()
    assert [cause.part for cause in found.causes] == (["run"] if status == WRONG else [])
    assert status == NOTE or "process 42" in found.causes[0].evidence[0]


def test_a_unit_that_was_switched_off_is_one_cause() -> None:
    """Disabled, its link is missing, too; a unit that was changed beside it is a word of its own."""
    off = Symptom("units", WRONG, "E-ENG-02", "edgectl-heal.timer (self-healing) is inactive", stops=False, own=True)
    link = WELL.step("units", "drifted", "edgectl-heal.timer changed by hand")
    assert codes(link) == ["E-ENG-01"]
    assert codes(replace(link, more=(off,))) == ["E-ENG-02"]
    more = WELL.step("units", "drifted", "edgectl-heal.timer, edgectl-launch changed by hand")
    assert set(codes(replace(more, more=(off,)))) == {"E-ENG-01", "E-ENG-02"}


def test_pods_alone_behind_a_part_are_called_by_it() -> None:
    """Why the plugin's pod ends is the cause, by the plugin's name; that the plugin is silent follows."""
    facts = crashing(WELL, "nvidia-device-plugin")
    plugin = replace(facts.gpus.plugin, runs=False, answers=None)
    (cause,) = facts.gpu(plugin=plugin).diagnosed().causes
    assert (cause.code, cause.part) == ("E-POD-01", "gpu-plugin")
    assert "GPU plugin" not in cause.so
    found = crashing(WELL, "nvidia-device-plugin").diagnosed()
    assert [cause.part for cause in found.causes] == ["gpu-plugin"]
    assert "GPU plugin" not in found.fine, "it still answers, and its pods do not run"


def test_one_certificate_is_one_cause() -> None:
    """Its step says it; the survey's word, and a k3s that cannot talk because of it, are no other."""
    ended = "k3s's certificate client-admin.crt has ended on 2027-01-01; a restart of k3s renews it"
    facts = WELL.step("certificates", "drifted", ended).found("k3s-certificates", STOP, "k3s's certificate has ended")
    assert codes(facts) == ["E-K3S-10"]
    assert codes(looping(facts)) == ["E-K3S-10"]
    stopped = facts.without_api("no").step("k3s", "drifted", "k3s.service is inactive")
    assert set(codes(stopped)) == {"E-K3S-03", "E-K3S-10"}, "stopped by hand is another thing"
    of_another = State(NOT_READY, "sink: its TLS certificate expired on 2026-03-01", CONFIG)
    both = replace(facts, chain=seen(without_canary(says(well(), "uplink", "sink", of_another), "uplink")))
    assert codes(both) == ["E-K3S-10", "E-SNK-02"], "nor is the sink's own certificate one of k3s's"
    fresh = WELL.step("certificates", "in-progress", "k3s has made no certificates yet")
    assert codes(looping(fresh)) == ["E-K3S-05"]


@pytest.mark.parametrize("name", ["model other bytes", "model wrong answer", "model not loaded"])
def test_one_model_is_one_cause(name: str) -> None:
    """The registry's step, and the chain's look at the same model."""
    chain = seen(CASES[name].breaks(well()))
    assert codes(replace(WELL.step("models", "drifted", "tiny-detector 2 differs"), chain=chain)) == ["E-MOD-01"]
    assert codes(replace(WELL, chain=chain)) == ["E-MOD-02"]


def test_nvidia_uvm_is_one_cause_while_the_store_serves() -> None:
    """What computes goes on; the driver's step and the kernel module's are about the same."""
    facts = WELL.gpu(uvm=NO_UVM)
    serves = replace(facts, gpus=replace(facts.gpus, word="degraded"))
    assert codes(serves.step("gpu-driver", "drifted", "/dev/nvidia-uvm is missing")) == ["E-GPU-02"]
    assert codes(serves.step("modules", "drifted", "nvidia_uvm is missing")) == ["E-GPU-02"]


def test_looks_ask_the_api_and_say_what_it_does_not(node: FakeNode) -> None:
    """CoreDNS where k3s brings it; each node of the store."""
    whole = keeping(payload())
    (one,) = whole.nodes
    assert [seen_.code for seen_ in dns.symptoms(node, one)] == ["E-DNS-01"]
    for text in ("disable:\n- traefik\n- coredns\n", 'disable: ["coredns"]\n'):
        without = replace(one.k3s, files=(ManagedFile("/etc/rancher/k3s/config.yaml", text),))
        assert dns.symptoms(node, replace(one, k3s=without)) == ()
    node.kube.objects[f"/api/v1/nodes/{one.name}"] = CLOSED
    assert [seen_.code for seen_ in cordon.symptoms(node, whole)] == ["E-NOD-05"]
    node.kube.down = True
    assert [seen_.status for seen_ in dns.symptoms(node, one)] == ["unseen"]
    assert cordon.symptoms(node, whole) == ()


def test_a_store_that_serves_is_asked_for_all_three(node: FakeNode) -> None:
    """The one look at a node asks for its cordon, the cluster's DNS, and says of whom is at 0 one word."""
    whole = keeping(payload())
    (one,) = whole.nodes
    info = {"bootID": node.boot_id(), "kubeletVersion": one.k3s.version}
    status = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]}
    node.kube.objects[f"/api/v1/nodes/{one.name}"] = {**CLOSED, "status": status}
    release, bus = next(item for item in pods.workloads(whole) if item[1]["metadata"]["name"] == "bus")
    space = bus["metadata"].get("namespace") or release.namespace
    live = {"kind": "Deployment", "metadata": {"name": "bus"}, "spec": {"replicas": 0}, "status": {}}
    node.kube.objects[f"/apis/apps/v1/namespaces/{space}/deployments/bus"] = live
    found = {seen_.code: seen_ for seen_ in looked.recipe_looked(node, whole, one) if seen_.own}
    assert {"E-DNS-01", "E-NOD-05", "E-POD-10"} <= set(found)
    assert "was scaled to 0 by hand" in found["E-POD-10"].says
