"""Workloads judged on what a real node's API gave while they started, crashed, waited and came back from a reboot."""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.protocol import LookFailed, Status
from edgectl.node.vision.workload import Place, Workload, judge, newest
from edgectl.wire.payload import Release
from tests.unit.node.fake import FakeNode, case

Json = dict[str, Any]
HERE = Place("node-1")


def manifest(live: Json, **spec: Any) -> Json:
    """Return a live object as its chart declares it."""
    return {"kind": live["kind"], "metadata": {"name": live["metadata"]["name"]}, "spec": spec}


@pytest.mark.parametrize(
    ("workload", "pods", "status", "says"),
    [
        ("inference-serving", ["serving"], Status.CURRENT, "1 of 1"),
        ("plugin-running", ["plugin-running"], Status.CURRENT, "1 of 1"),
        ("inference-gated", ["gated"], Status.IN_PROGRESS, "0 of 1 running, gpu-gate waits"),
        ("inference-gated", [], Status.IN_PROGRESS, "0 of 1 running"),
        ("inference-after-reboot", ["unexpected-admission", "started-not-ready"], Status.IN_PROGRESS, "0 of 1"),
        ("plugin-starting", ["creating"], Status.IN_PROGRESS, "device-plugin: ContainerCreating"),
        ("unseen", [], Status.IN_PROGRESS, "its change has not been seen yet"),
        ("greedy", ["unschedulable"], Status.IN_PROGRESS, "Insufficient nvidia.com/gpu"),
        ("pulls", ["pull-error"], Status.IN_PROGRESS, "ErrImagePull"),
        ("pulls", ["pull-back-off"], Status.IN_PROGRESS, "ImagePullBackOff"),
        ("crashes", ["crash-terminated-1"], Status.IN_PROGRESS, "out of memory"),
        ("crashes", ["crash-back-off-2"], Status.IN_PROGRESS, "CrashLoopBackOff"),
        ("crashes", ["crash-back-off-4"], Status.FAILED, "crashes crash-loops: out of memory: model wants 9.1 GB"),
        ("crashes", ["crash-terminated-4"], Status.FAILED, "crashes crash-loops: out of memory: model wants 9.1 GB"),
        ("no-image", ["no-image"], Status.FAILED, "edgectl.local/nothing:1"),
        ("no-config", ["no-config"], Status.FAILED, 'configmap "nothing" not found'),
    ],
)
def test_each_state(workload: str, pods: list[str], status: Status, says: str) -> None:
    """Not yet and never differ, and either says why in Kubernetes' own words."""
    live = case(f"workload-{workload}")
    seen = judge(manifest(live), live, [case(f"pod-{name}") for name in pods])
    assert (seen.status, says in seen.reason) == (status, True), seen


@pytest.mark.parametrize(("name", "spec"), [("zero", {"replicas": 0}), ("nowhere", {})])
def test_nothing_desired_is_a_no(name: str, spec: Json) -> None:
    """Zero replicas declared, or a DaemonSet that no node matches: Helm and kubectl call it done, we do not."""
    live = case(f"workload-{name}")
    seen = judge(manifest(live, **spec), live, [])
    assert (seen.status, "0 desired" in seen.reason) == (Status.IN_PROGRESS, True)


def test_scaled_to_zero_by_hand_is_a_no() -> None:
    """Desired is what the manifest says, not what somebody has set."""
    live = case("workload-zero")
    seen = judge(manifest(live, replicas=1), live, [])
    assert seen.status is Status.IN_PROGRESS
    assert "0 of 1 running" in seen.reason


@pytest.mark.parametrize(("ready", "status"), [(3, Status.CURRENT), (2, Status.IN_PROGRESS)])
def test_where_the_release_leaves_it_open_the_autoscaler_says_how_many(ready: int, status: Status) -> None:
    """A Deployment without replicas is one of an autoscaler's: all that it asks for must be there."""
    counts = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": ready, "availableReplicas": ready}
    live = {"metadata": {"generation": 1}, "spec": {"replicas": 3}, "status": {"observedGeneration": 1, **counts}}
    declared = {"kind": "Deployment", "metadata": {"name": "inference"}, "spec": {}}
    assert judge(declared, live, []).status is status


def test_pods_that_are_not_let_in_are_told() -> None:
    """Law: a Deployment without pods says why it has none: the guard's sentence is the reason of the release's gate."""
    live = case("workload-zero")
    refused = {"type": "ReplicaFailure", "status": "True", "message": "ValidatingAdmissionPolicy 'x' denied request: y"}
    live["status"]["conditions"] = [{"type": "Available", "status": "True", "message": "z"}, refused]
    seen = judge(manifest(live, replicas=1), live, [])
    assert seen.status is Status.IN_PROGRESS
    assert "0 of 1 running, ValidatingAdmissionPolicy 'x' denied request: y" in seen.reason


@pytest.mark.parametrize("name", ["inference-serving", "plugin-running"])
def test_an_old_generation_is_a_no(name: str) -> None:
    """Counts that belong to the object before its change do not pass for the change."""
    live = case(f"workload-{name}")
    live["metadata"]["generation"] += 1
    assert judge(manifest(live), live, []).status is Status.IN_PROGRESS


@pytest.mark.parametrize("key", ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"])
def test_every_count_must_be_the_declared_one(key: str) -> None:
    """One pod too few, or an old one beside the new, in any of the four counts: not yet."""
    for count in (0, 2, None):
        live = case("workload-inference-serving")
        live["status"][key] = count
        assert judge(manifest(live), live, []).status is Status.IN_PROGRESS


def test_a_daemon_set_that_runs_where_it_should_not_is_a_no() -> None:
    """A label taken from a node leaves a pod behind: not yet."""
    live = case("workload-plugin-running")
    live["status"]["numberMisscheduled"] = 1
    assert judge(manifest(live), live, []).status is Status.IN_PROGRESS


@pytest.mark.parametrize(
    ("desired", "ready", "misplaced", "current"),
    [
        (2, 2, 0, True),
        (2, 1, 0, True),
        (2, 0, 0, False),
        (1, 1, 1, True),
        (1, 0, 1, False),
        (1, 1, 2, False),
        (2, 1, 1, False),
    ],
    ids=["just-gone", "noticed", "none-runs", "tainted", "tainted-none-runs", "misplaced-elsewhere", "another-fails"],
)
def test_a_neighbour_that_is_gone_is_missed(desired: int, ready: int, misplaced: int, *, current: bool) -> None:
    """Of a pod for each node, the one on a silent node is not waited for: before and after Kubernetes taints it."""
    live, here = case("workload-plugin-running"), case("pod-plugin-running")
    counts = dict.fromkeys(
        ("currentNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"), ready
    )
    live["status"].update(counts, desiredNumberScheduled=desired, numberMisscheduled=misplaced)
    seen = judge(manifest(live), live, [here], missed=("node-2",))
    assert (seen.status is Status.CURRENT) == current, seen
    assert not current or "node-2" in seen.absent
    assert judge(manifest(live), live, [here]).absent == ""


def test_a_dead_nodes_old_pod_is_found(node: FakeNode) -> None:
    """Its pod is of the old template and being deleted for ever: its node is missed all the same; a live one is not."""
    live, here = case("workload-plugin-running"), case("pod-plugin-running")
    namespace = release(manifest(live)).namespace
    dead = copy.deepcopy(here)
    dead["metadata"].update(name="dead", deletionTimestamp="2026-01-01T00:00:00Z")
    dead["metadata"]["labels"]["pod-template-generation"] = "0"
    dead["spec"]["nodeName"] = "node-2"
    live["status"]["numberMisscheduled"] = 1
    pods = f"/api/v1/namespaces/{namespace}/pods"
    node.kube.objects |= {
        f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{live['metadata']['name']}": live,
        f"{pods}/{here['metadata']['name']}": here,
        f"{pods}/dead": dead,
        f"/api/v1/nodes/{here['spec']['nodeName']}": {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        "/api/v1/nodes/node-2": {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}},
    }
    gate = Workload(release(manifest(live)), Place(here["spec"]["nodeName"], ("node-2",)), needs=())
    for item in here["status"]["containerStatuses"]:
        task = "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + item["containerID"].partition("://")[2]
        (node.places.root / task).mkdir(parents=True)
    seen = gate.probe(node)
    assert (seen.status, "does not run on node-2" in seen.absent) == (Status.CURRENT, True), seen
    node.kube.objects["/api/v1/nodes/node-2"]["status"]["conditions"][0]["status"] = "True"
    assert gate.probe(node).reason.endswith("runs where it should not")


def test_a_pod_that_lived_through_reboots_is_given_its_time() -> None:
    """Each reboot counts as a restart: a pod from before this boot is no crash loop for its number of restarts."""
    live, pod = case("workload-crashes"), case("pod-crash-after-reboot")
    booted = datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp() + 60
    assert judge(manifest(live), live, [pod], booted_at=booted).status is Status.IN_PROGRESS
    assert judge(manifest(live), live, [pod], booted_at=booted - 120).status is Status.FAILED


@pytest.mark.parametrize("where", ["state", "lastState"])
def test_an_end_that_nobody_saw_is_no_crash(where: str) -> None:
    """A container whose end containerd did not see died with its machine: no crash loop, however often."""
    live, pod = case("workload-crashes"), case("pod-crash-after-reboot")
    (item,) = pod["status"]["containerStatuses"]
    item["restartCount"] = 9
    item["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    item["lastState"] = {}
    item[where] = {**item[where], "terminated": {"exitCode": 1, "reason": "Error"}}
    assert judge(manifest(live), live, [pod]).status is Status.FAILED
    item[where]["terminated"] = {"exitCode": 255, "reason": "Unknown"}
    assert judge(manifest(live), live, [pod]).status is Status.IN_PROGRESS


def test_an_ended_init_container_is_no_crash() -> None:
    """A container that has ended well is done, however often it was started."""
    live, pod = case("workload-inference-serving"), case("pod-serving")
    pod["status"]["initContainerStatuses"][0]["restartCount"] = 9
    assert judge(manifest(live), live, [pod]).status is Status.CURRENT


def test_any_missing_field_is_not_yet() -> None:
    """An object without status, a pod without containers: never a pass and never a crash of ours."""
    live = case("workload-inference-serving")
    bare = {**live, "status": {}}
    assert judge(manifest(live), bare, [{"metadata": {"name": "x"}}]).status is Status.IN_PROGRESS


class Store:
    """A node whose API has one Deployment, its pods, and containerd's tasks of this boot."""

    def __init__(self, node: FakeNode, *, live: str, pods: list[str]) -> None:
        self.node = node
        self.live = case(f"workload-{live}")
        node.kube.objects["/apis/apps/v1/namespaces/vision/deployments/inference"] = self.live
        for name in pods:
            pod = case(f"pod-{name}")
            node.kube.objects[f"/api/v1/namespaces/vision/pods/{pod['metadata']['name']}"] = pod
        self.tasks = node.places.root / "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io"
        self.gate = Workload(release(manifest(self.live)), HERE, needs=("release-vision-stack",))

    def start_tasks(self, *pods: str) -> None:
        """Let containerd have tasks for the containers of these pods."""
        self.tasks.mkdir(parents=True, exist_ok=True)
        for name in pods:
            for item in case(f"pod-{name}")["status"]["containerStatuses"]:
                Path(self.tasks, item["containerID"].rpartition("//")[2]).mkdir()


def release(*manifests: Json) -> Release:
    """Return a release with these manifests."""
    return Release("vision-stack", "vision", "sha256:0", {}, "sha256:0", manifests)


def test_a_ready_from_before_the_reboot_is_not_believed(node: FakeNode) -> None:
    """Deployment and pod read Ready for seconds after a reboot: without a task of this boot it is not yet."""
    store = Store(node, live="inference-stale-after-reboot", pods=["serving"])
    store.tasks.mkdir(parents=True)
    seen = store.gate.probe(node)
    assert (seen.status, "from before this boot" in seen.reason) == (Status.IN_PROGRESS, True)
    store.start_tasks("serving")
    assert store.gate.probe(node).status is Status.CURRENT


def test_no_list_of_tasks_is_no_look(node: FakeNode) -> None:
    """Where containerd's tasks cannot be read, the gate could not look: never fine."""
    store = Store(node, live="inference-serving", pods=["serving"])
    with pytest.raises(LookFailed):
        store.gate.probe(node)


def test_what_goes_away_does_not_count(node: FakeNode) -> None:
    """A pod that is being deleted neither crash-loops nor is stale."""
    store = Store(node, live="inference-serving", pods=["serving", "unexpected-admission"])
    old = copy.deepcopy(case("pod-crash-back-off-4"))
    old["metadata"].update(labels=case("pod-serving")["metadata"]["labels"], deletionTimestamp="2026-01-01T00:00:00Z")
    node.kube.objects["/api/v1/namespaces/vision/pods/old"] = old
    store.start_tasks("serving")
    assert store.gate.probe(node).status is Status.CURRENT


def replica_set(store: Store, revision: str, template: str) -> None:
    """Give the Deployment a ReplicaSet of a revision."""
    meta = {
        "name": f"inference-{template}",
        "annotations": {"deployment.kubernetes.io/revision": revision},
        "labels": {**case("pod-serving")["metadata"]["labels"], "pod-template-hash": template},
    }
    place = f"/apis/apps/v1/namespaces/vision/replicasets/inference-{template}"
    store.node.kube.objects[place] = {"kind": "ReplicaSet", "metadata": meta}


def test_an_old_pod_says_nothing_about_its_replacement(node: FakeNode) -> None:
    """A crash loop of the template before is what an update is for: only pods of the newest template are judged."""
    store = Store(node, live="inference-gated", pods=["gated"])
    old = case("pod-crash-back-off-4")
    old["metadata"]["labels"] = {**case("pod-gated")["metadata"]["labels"], "pod-template-hash": "old"}
    node.kube.objects["/api/v1/namespaces/vision/pods/old"] = old
    mark = store.live["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    assert store.gate.probe(node).status is Status.FAILED
    replica_set(store, mark, case("pod-gated")["metadata"]["labels"]["pod-template-hash"])
    replica_set(store, "0", "old")
    seen = store.gate.probe(node)
    assert (seen.status, "gpu-gate waits" in seen.reason) == (Status.IN_PROGRESS, True)


def test_counts_without_a_pod_are_no_pass(node: FakeNode) -> None:
    """All four counts right, but no pod of the newest template is listed: not yet."""
    store = Store(node, live="inference-serving", pods=["serving"])
    store.start_tasks("serving")
    replica_set(store, store.live["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "other")
    seen = store.gate.probe(node)
    assert (seen.status, "none of its pods is listed" in seen.reason) == (Status.IN_PROGRESS, True)


def test_pods_of_a_daemon_set_bear_its_template_s_generation() -> None:
    """As real ones do: the pod of the captured DaemonSet is one of its newest template."""
    live, pod = case("workload-plugin-running"), case("pod-plugin-running")
    revision = live["metadata"]["annotations"]["deprecated.daemonset.template.generation"]
    assert newest([pod], revision) == [pod]
    assert newest([pod], "another") == []
    assert newest([pod], "") == [pod]


def test_a_workload_that_does_not_exist_is_not_yet(node: FakeNode) -> None:
    """Right after Helm, controllers may be slow."""
    live = case("workload-inference-serving")
    seen = Workload(release(manifest(live)), HERE, needs=()).probe(node)
    assert (seen.status, "does not exist yet" in seen.reason) == (Status.IN_PROGRESS, True)


def test_never_speaks_before_not_yet(node: FakeNode) -> None:
    """One workload that will never run ends the wait, whichever is first in the chart."""
    waiting, never = case("workload-inference-gated"), case("workload-no-image")
    gate = Workload(release(manifest(waiting), manifest(never)), HERE, needs=())
    node.kube.objects["/apis/apps/v1/namespaces/vision/deployments/inference"] = waiting
    node.kube.objects["/apis/apps/v1/namespaces/vision/deployments/no-image"] = never
    node.kube.objects["/api/v1/namespaces/vision/pods/no-image-1"] = case("pod-no-image")
    assert gate.probe(node).status is Status.FAILED
