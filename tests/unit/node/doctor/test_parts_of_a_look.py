"""What each kind of look is made into: the step's code by what it says, the survey's findings, a pod's words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from edgectl.node.converge.protocol import Observation, Status
from edgectl.node.doctor import ground, k3sdeep, looked, pods, services, standing, steps, surveyed
from edgectl.node.doctor.causes import diagnose
from edgectl.node.doctor.ground import Ground
from edgectl.node.doctor.parts import Graph
from edgectl.node.doctor.symptom import FINE, NOTE, SUSPECT, UNSEEN, WRONG, Symptom
from edgectl.node.io.programs import Ran
from edgectl.node.recipe import recipe
from edgectl.wire import event
from edgectl.wire.chain import NETWORK, NOT_READY, State
from edgectl.wire.finding import STOP, UNKNOWN, WARN, Finding
from edgectl.wire.payload import Model, Models
from edgectl.wire.verdict import StepResult
from tests.laws.test_recipe import keeping, payload
from tests.unit.node.fake import FakeNode
from tests.unit.node.vision.chain.store import says, seen, well

SAID = (
    ("host", "in-progress", "the clock says 1970-01-01, which cannot be; waiting for time sync", "clock", "E-CLK-01"),
    ("host", "failed", "plan9 is not supported", "system", "E-SYS-02"),
    ("k3s", "drifted", "k3s.service is inactive", "k3s", "E-K3S-03"),
    ("k3s", "drifted", "k3s.service is failed", "k3s", "E-K3S-05"),
    ("k3s", "drifted", "k3s.service is not known to systemd", "k3s", "E-K3S-04"),
    ("k3s", "drifted", "k3s runs with something else than declared", "k3s", "E-K3S-06"),
    ("k3s-serves", "in-progress", "the Kubernetes API does not answer: connection refused", "api", "E-API-01"),
    ("k3s-serves", "in-progress", "the node is not Ready: cni plugin not initialized", "node", "E-NOD-02"),
    ("k3s-serves", "in-progress", "the node reports DiskPressure", "node", "E-NOD-03"),
    ("k3s-serves", "in-progress", "the node has not registered yet", "node", "E-NOD-01"),
    ("node-node-2", "in-progress", "node-2 is not Ready", "neighbour node-2", "E-NBR-01"),
    ("turn-node-2", "drifted", "node-2 runs v1.36.2+k3s1", "neighbour node-2", "E-NBR-03"),
    ("stock-node-2", "in-progress", "node-2 has not said", "neighbour node-2", "E-NBR-02"),
    ("release-bus", "drifted", "not installed", "release bus", "E-REL-01"),
    ("something-new", "failed", "it is new", "settings", "E-ENG-09"),
)


@pytest.mark.parametrize(("step", "status", "reason", "part", "code"), SAID)
def test_a_step_is_a_part_and_a_code(step: str, status: str, reason: str, part: str, code: str) -> None:
    """By its id, and by what its reason makes of that."""
    seen = steps.symptom(StepResult(step, step, status, reason))
    assert (seen.status, seen.part, seen.code) == (WRONG, part, code)


def test_a_neighbours_steps_are_of_a_node_that_is_declared() -> None:
    """Law: whatever the recipe of several nodes asks of a neighbour, doctor looks for it at that node.

    Whatever it is called: no two steps have one id. Seeded: no row for `turn-`; `node-k3s-1` for the turn of node 1.
    """
    lead = payload().nodes[0]
    names = ("1", "images-1", "k3s-1", "node-2", "stock-1", "till-7", "turn-1")
    nodes = (lead, *(replace(lead, name=name, role="agent", helm=None) for name in names))
    ids = [step.id for step in recipe(replace(payload(), nodes=nodes), lead)]
    assert len(set(ids)) == len(ids)
    parts = [steps.symptom(StepResult(name, name, "failed", "no")).part for name in ids]
    named = [part.removeprefix("neighbour ") for part in parts if part.startswith("neighbour ")]
    assert sorted(named) == sorted(names * 3)


def test_degraded_and_absent_lack_and_stop_nothing() -> None:
    """A step that is current with something missing is a fault that the store sells with."""
    less = StepResult("gpu", "gpu", "current", "1 of 2", degraded="1 of 2 nvidia.com/gpu")
    assert (steps.symptom(less).status, steps.symptom(less).stops) == (WRONG, False)


def test_blocked_and_unknown_are_unseen() -> None:
    """Neither is fine."""
    for status in ("blocked", "unknown"):
        assert steps.symptom(StepResult("models", "models", status, "waits")).status == UNSEEN


def test_findings_that_only_warn_are_suspects_or_advice() -> None:
    """What would stop a deploy is a fault; what could not be looked at is not fine; advice is nothing here."""
    found = (
        Finding("network-address", STOP, "not on this node"),
        Finding("network-route", WARN, "no default route"),
        Finding("os-swap", WARN, "swap is on"),
        Finding("disk", UNKNOWN, "it could not be read in 40 s"),
        Finding("gpu-driver", STOP, "said better elsewhere"),
        Finding("others-cluster", UNKNOWN, "what runs in the cluster is not known"),
    )
    assert [(one.part, one.status) for one in surveyed.symptoms(found, deployed=True)] == [
        ("network", WRONG),
        ("network", SUSPECT),
        ("disk", UNSEEN),
    ]
    assert NOTE in {one.status for one in surveyed.symptoms(found, deployed=False)}


def test_a_model_that_is_made_of_damaged_content_is_not_fine() -> None:
    """Its file is the blob itself, and is as its blob; what is made of other content is fine."""
    results = (
        StepResult("blobs", "content", "failed", "1 of 13 blobs are missing", evidence=("missing: aada05b51315",)),
        StepResult("models", "models", "current", "tiny 2"),
    )
    for digest, status in (("sha256:aada05b51315ffff", UNSEEN), ("sha256:bbda05b51315ffff", FINE)):
        models = Models((Model("tiny", "2", {"model.onnx": digest}),))
        content, model = steps.made_of_content(steps.symptoms(results), models)
        assert (content.status, model.status) == (WRONG, status)
        found = diagnose("n", (content, model), Graph(frozenset({"content", "models"})))
        assert [cause.so for cause in found.causes] == [("models",) if status == UNSEEN else ()]
        assert not found.unseen
    assert len(steps.made_of_content(steps.symptoms(results), None)) == 2


def test_a_card_without_a_link_is_why_nobody_is_reached() -> None:
    """Also where a store stops because of it, though the store itself goes on without a cable."""
    (cut,) = surveyed.symptoms((Finding("network-link", WARN, "eth0 has no link"),), deployed=True)
    assert (cut.status, cut.code, cut.stops) == (WRONG, "E-NET-06", False)
    assert cut.can_explain(Symptom("sink", WRONG, "E-SNK-01", "198.51.100.7: No route to host"))
    assert not cut.can_explain(Symptom("sink", WRONG, "E-SNK-01", "refuses this store's token"))


PODS = (
    ("0 of 1 running, bus: ErrImageNeverPull", "E-POD-02"),
    ("bus crash-loops: exit 1 (Error)", "E-POD-01"),
    ("0 of 1 running, 0/1 nodes are available: 1 Insufficient memory.", "E-POD-03"),
    ("0 of 1 running, 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "E-POD-04"),
    ("0 of 1 running, gpu-gate waits", "E-POD-04"),
    ("0 of 1 running, node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }", "E-POD-12"),
    ("app: CreateContainerConfigError", "E-POD-05"),
    ('FailedMount: MountVolume.SetUp failed: secret "app" not found', "E-POD-05"),
    ("FailedMount: hostPath type check failed", "E-POD-08"),
    ("admission webhook denied the request", "E-POD-07"),
    ("0 of 1 running, bus: ContainerCreating", "E-POD-09"),
    ("bus ended: OOMKilled (exit 137)", "E-POD-06"),
    ("spec.replicas is 0, declared replicas 1", "E-POD-10"),
    ("Deployment/bus does not exist yet", "E-POD-10"),
)


@pytest.mark.parametrize(("words", "code"), PODS)
def test_a_pods_words_are_a_code(words: str, code: str) -> None:
    """In Kubernetes' own words."""
    seen = pods.judged("pods bus", Observation(Status.IN_PROGRESS, words), (), stops=True)
    assert (seen.code, seen.status) == (code, WRONG)
    assert seen.evidence


def test_what_a_workload_rests_on_is_read_from_its_manifest(node: FakeNode) -> None:
    """A folder, the GPU, the models, its release; the device plugin's pods carry the plugin."""
    (one,) = keeping(payload()).nodes
    found = pods.rests(keeping(payload()), one, str(node.places.models))
    assert found["pods bus"] == {"release bus"}
    assert found["gpu-plugin"] == frozenset()


def test_a_workload_that_asks_for_a_gpu_rests_on_it() -> None:
    """One that only tolerates a GPU's taint, as the plugin's pods do, does not: the plugin rests on them."""
    whole, taint = keeping(payload()), {"tolerations": [{"key": "nvidia.com/gpu"}]}
    (one,) = whole.nodes
    asks = {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}]}
    plugin = {**taint, "containers": [{"volumeMounts": [{"mountPath": "/var/lib/kubelet/device-plugins"}]}]}
    for name, spec, rests in (
        ("uses", asks, True),
        ("waits", {"initContainers": asks["containers"]}, True),
        ("plugin", plugin, False),
    ):
        item = {"kind": "DaemonSet", "metadata": {"name": name}, "spec": {"template": {"spec": spec}}}
        release = replace(whole.releases[0], manifests=(item,))
        found = pods.rests(replace(whole, releases=(release,)), one, "/models")
        assert ("gpu" in found[f"pods {name}"]) == rests
        assert found["gpu-plugin"] == (frozenset({"pods plugin"}) if name == "plugin" else frozenset())


def test_services_choose_their_workloads_by_labels() -> None:
    """As Kubernetes does."""
    service = {"spec": {"selector": {"app": "bus"}}}
    deployment: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {"name": "broker"},
        "spec": {"template": {"metadata": {"labels": {"app": "bus", "more": "1"}}}},
    }
    assert list(services.chosen(service, [deployment, {**deployment, "kind": "Job"}])) == ["broker"]
    assert list(services.chosen({"spec": {}}, [deployment])) == []


def test_a_frozen_k3s_is_named(node: FakeNode) -> None:
    """It runs by systemd's word, its API is silent, and its process is stopped: that is another code."""
    node.units["k3s.service"] = {"ActiveState": "active", "SubState": "running", "MainPID": "42", "Result": "success"}
    stat = node.places.root / "proc/42/stat"
    stat.parent.mkdir(parents=True)
    node.on_run = lambda *argv: Ran(argv, 0, 'time="x" level=fatal msg="no space left on device"\nfine\n', "", 0.1)
    silent = Symptom("api", WRONG, "E-API-01", "does not answer")
    for state, code in (("T", "E-API-02"), ("S", "E-API-01")):
        stat.write_text(f"42 (k3s server) {state} 1 42 42")
        (seen,) = k3sdeep.deepened(node, "k3s.service", (silent,))
        assert seen.code == code
        assert any("no space left" in line for line in seen.evidence)


def test_a_healthy_k3s_is_not_asked_more(node: FakeNode) -> None:
    """Evidence is for what is wrong."""
    node.on_run = lambda *_: pytest.fail("nothing is to be run")
    assert k3sdeep.deepened(node, "k3s.service", (Symptom("k3s"),)) == (Symptom("k3s"),)


def test_a_boot_that_is_young_is_told(node: FakeNode) -> None:
    """Until a run of it has ended; later it is no excuse."""
    young = Ground(up_seconds=40)
    assert (seen := ground.booting(young, settled=False)) is not None
    assert "40 s ago" in seen.says
    assert ground.booting(young, settled=True) is None
    assert ground.booting(Ground(up_seconds=4000), settled=False) is None
    assert not standing.settled(node, 40)


def test_runs_of_the_watchdog_hide_no_verdict(node: FakeNode) -> None:
    """However much it has written since, the last deploy or heal is the last run."""
    folder = node.places.journals[0]
    folder.mkdir(parents=True)
    line = {"kind": event.VERDICT, "run": "ab12", "reason": "", "at": 1.0}
    (folder / "20270115T080000.000001-deploy-ab12.jsonl").write_text(json.dumps(line) + "\n")
    for second in range(5):
        (folder / f"20270115T0801{second:02}.000001-watchdog-cd{second}.jsonl").write_text("")
    assert standing.last_run(node)["run"].endswith("deploy-ab12.jsonl")
    assert standing.settled(node, 40)


def test_a_camera_of_several_is_named() -> None:
    """In the sentence, whatever its own words are; once, where they begin with its name."""
    silent = State(NOT_READY, "rtsp://10.0.0.9/stream: No route to host", NETWORK)
    found = {seen_.part: seen_ for seen_ in services.symptoms(seen(says(well(), "camera", "camera:front", silent)))}
    assert found["camera front"].says.startswith("front: rtsp://10.0.0.9")
    assert "front" not in found["camera"].says


def test_units_that_heal_are_looked_at(node: FakeNode) -> None:
    """One that is stopped is named; the store does not rest on it."""
    node.units["edgectl-heal.timer"] = {"ActiveState": "inactive", "SubState": "dead", "LoadState": "loaded"}
    node.units["edgectl-watchdog.service"] = {"ActiveState": "active"}
    watchdog, timer = standing.units(node)
    assert (timer.code, timer.stops, watchdog.wrong) == ("E-ENG-02", False, False)
    node.units["edgectl-watchdog.service"] = {"ActiveState": "failed"}
    (both,) = standing.units(node)
    assert "edgectl-heal.timer" in both.says
    assert "edgectl-watchdog.service" in both.says


def test_one_job_that_hangs_hides_nothing() -> None:
    """What did not answer in time, or failed in a way nobody foresaw, is unknown; the others are told."""
    import threading

    never = threading.Event()

    def hangs() -> looked.Found:
        never.wait(5)
        return ()

    def breaks() -> looked.Found:
        raise ValueError("torn")

    jobs = {"system": hangs, "units": breaks, "gpu": lambda: (Symptom("gpu"),)}
    found = looked.beside(jobs, 0.05)
    never.set()
    assert (found["system"][0].status, found["units"][0].status) == (UNSEEN, UNSEEN)
    assert found["gpu"] == (Symptom("gpu"),)


def test_a_bare_machine_is_looked_at(node: FakeNode) -> None:
    """Nothing was ever deployed: that is the cause, and the ground is told; nothing is written."""
    before = sorted(node.places.root.rglob("*"))
    found = looked.looked(node.places, looked.Means(lambda: node, limit_seconds=20))
    assert "E-RUN-01" in [cause.code for cause in found.causes]
    assert "power" in found.fine
    assert "disk" not in found.fine, "no program of this machine has said how its disk is"
    assert sorted(node.places.root.rglob("*")) == before
