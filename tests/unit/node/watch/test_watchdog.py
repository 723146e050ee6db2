"""The watchdog's loop: whom it gives way to, what it does under the lock, and what it leaves behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgectl.node import pause
from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.gpu import proof
from edgectl.node.gpu.checkpoint import PLACE
from edgectl.node.gpu.plugin import plugins_of
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.io.programs import Ran
from edgectl.node.remove.note import Note, keep
from edgectl.node.watch import watchdog
from edgectl.node.watch.facts import Facts, look, pod_of
from edgectl.node.watch.watchdog import EVERY_SECONDS, IDLE_SECONDS, Watchdog, remembered
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Gpu, Host, K3s, Node, Payload
from tests.unit.node.fake import FakeNode, case, ran

GPU = "nvidia.com/gpu"
A = "GPU-5a9dbc01-0000-4000-8000-000000000000"
PATH = "/api/v1/nodes/node-1"
PODS = "/api/v1/namespaces/vision/pods"


def pod(name: str, **status: Any) -> dict[str, Any]:
    """Return a pod of a ReplicaSet that asks for a GPU."""
    return {
        "metadata": {
            "name": name,
            "namespace": "vision",
            "uid": f"uid-{name}",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "inference", "controller": True}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "inference", "resources": {"limits": {GPU: "1"}}}]},
        "status": {"phase": "Running", **status},
    }


DEAD = pod("inference-dead", phase="Failed", reason="UnexpectedAdmissionError")


class Watched:
    """A node that has been deployed and proven, and its watchdog with a clock."""

    def __init__(self, node: FakeNode, gpu: Gpu | None = None) -> None:
        self.node = node
        self.now = 1000.0
        self.sequence = 0
        self.places = node.places
        self.deploy(Gpu(GPU, 1, 1) if gpu is None else gpu)
        doc = case("node-rebooted-gpus")
        doc["status"]["allocatable"][GPU] = "1"
        node.boot = doc["status"]["nodeInfo"]["bootID"]
        node.kube.objects[PATH] = doc
        node.on_run = self._run
        registered = {"PodDeviceEntries": [], "RegisteredDevices": {GPU: [A]}}
        node.write(self.places.root / PLACE, json.dumps({"Data": registered, "Checksum": 1}))
        node.write(self.places.gpu_marker, node.boot + "\n")
        proof.keep(node, Proof(node.boot, (Device(A, ok=True, tries=1),)))
        self.dog = self.started()

    def started(self) -> Watchdog:
        """Return the watchdog as systemd starts it."""
        return Watchdog(self.places, look=self.node, hands=lambda _: self.node, monotonic=lambda: self.now)

    def deploy(self, gpu: Gpu | None) -> None:
        """Let the node run a payload."""
        k3s = K3s("v1", "sha256:0", "k3s.service", (), ())
        desired = Payload("store-042", "", (Node("node-1", "server", "1.2.3.4", Host(1), k3s, gpu=gpu),), (), {})
        self.places.blobs.mkdir(parents=True, exist_ok=True)
        self.places.blob(desired.digest).write_bytes(desired.encode())
        self.sequence += 1
        ada = Sender("ada", "laptop")
        envelope = Envelope("store-042", "node-1", desired.digest, digest_of(b""), "", self.sequence, "t", ada)
        slots = Slots(self.places)
        self.places.runtime(envelope.runtime).mkdir(parents=True, exist_ok=True)
        slots.promote(slots.accept(envelope), time="t", run="r", word="ready")

    def tick(self, times: int = 1) -> None:
        """Look so often."""
        for _ in range(times):
            self.now += self.dog.tick()

    def runs(self) -> list[list[dict[str, Any]]]:
        """Return the events of each run that the watchdog has journalled."""
        return [journal.read(path, 0)[0] for path in journal.runs(self.places.journal, "watchdog")]

    def _run(self, *argv: str) -> Ran:
        """Answer the probes of a well driver, and the smoke of a well GPU."""
        known = {"uuid": A, "name": "T4", "memory_bytes": 1 << 33}
        if "smoke.py" in argv[2 if len(argv) > 2 else 1]:
            listed = {"devices": [known]}
            said = listed if argv[-1] == "--list" else {**known, "ok": True, "reason": "", "seconds": 1, "gb_per_s": 9}
            return ran(json.dumps(said))
        return ran("fine\n", argv=argv)


@pytest.fixture
def watched(node: FakeNode) -> Watched:
    """Return a store that is well."""
    return Watched(node)


def test_a_store_that_is_well_is_only_looked_at(watched: Watched) -> None:
    """No lock, no journal, no write."""
    watched.tick(30)
    assert watched.runs() == []
    assert watched.node.kube.deleted == []
    assert not (watched.places.run / "lock").exists()


def test_a_dead_pod_is_deleted_and_journalled(watched: Watched) -> None:
    """With the reason, in a run of its own, which ends with a verdict."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    watched.tick()
    assert watched.node.kube.deleted == [f"{PODS}/inference-dead"]
    ((begun, deed, verdict),) = watched.runs()
    assert begun["data"] == {"boot": watched.node.boot}
    assert "UnexpectedAdmissionError" in deed["reason"]
    assert "deleted vision/inference-dead" in deed["reason"]
    assert (verdict["kind"], verdict["word"]) == ("verdict", "done")


def test_a_missing_marker_is_proven_anew(watched: Watched) -> None:
    """Somebody took the folder away: after the number has held, GPUs are tried again and the marker stands."""
    watched.node.remove(watched.places.gpu_marker)
    watched.node.remove(watched.places.gpu_proof)
    watched.tick(4)
    assert watched.node.text(watched.places.gpu_marker) == watched.node.boot + "\n"
    assert proof.read(watched.node).proven() == {A}


def test_it_gives_way_to_a_person(watched: Watched) -> None:
    """A pause: nothing is done, whatever lies there dead; when it ends, it is."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    pause.begin(watched.places, who="ada", why="new card", seconds=3600)
    watched.tick(10)
    assert watched.node.kube.deleted == []
    pause.end(watched.places)
    watched.tick()
    assert watched.node.kube.deleted


def test_it_does_nothing_on_a_store_that_is_being_removed(watched: Watched) -> None:
    """What it would mend is to go."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    keep(watched.places, Note("store-042", "node-1", {}, ()))
    watched.tick(10)
    assert watched.node.kube.deleted == []


def test_it_gives_way_to_the_engine_and_to_a_deploy(watched: Watched) -> None:
    """A run that holds the lock does all of this itself; a deploy that arrives goes first."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    with Lock(watched.places.run, {"kind": "deploy"}) as lock:
        assert lock.acquire()
        watched.tick(3)
    (watched.places.run / "yield").write_text("")
    with Lock(watched.places.run / "sending", {"sender": "ada"}) as sending:
        assert sending.acquire()
        watched.tick(3)
        assert watched.node.kube.deleted == []
    watched.tick()
    assert watched.node.kube.deleted, "a mark that was left by a killed deploy holds nobody up"


def test_a_deploy_that_comes_while_it_looks_goes_first(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: it asks again behind the lock: a look takes seconds, and a smoke would hold the deploy up for longer."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    with Lock(watched.places.run / "sending", {"sender": "ada"}) as sending:
        assert sending.acquire()

        def comes(*args: Any) -> Facts:
            (watched.places.run / "yield").write_text("")
            return look(*args)

        monkeypatch.setattr(watchdog, "look", comes)
        watched.tick()
        assert (watched.places.run / "yield").exists()
        assert (watched.node.kube.deleted, watched.runs()) == ([], [])
    watched.tick()
    assert watched.node.kube.deleted


def test_an_api_that_does_not_answer_is_no_reason_for_anything(watched: Watched) -> None:
    """Could not look is not looked and wrong: k3s restarts, and nothing is withdrawn."""
    watched.node.kube.down = True
    watched.tick(60)
    assert watched.node.text(watched.places.gpu_marker) is not None
    assert watched.runs() == []


def test_its_budget_outlives_it(watched: Watched) -> None:
    """What it did is remembered on tmpfs: one that is started anew does not begin with a full budget."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    watched.tick()
    assert "bury" in remembered(watched.places).done
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    watched.dog = watched.started()
    watched.now -= EVERY_SECONDS  # at once
    watched.tick()
    assert len(watched.node.kube.deleted) == 1
    watched.tick()
    assert len(watched.node.kube.deleted) == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"done": 3}'])
def test_a_torn_memory_is_none(watched: Watched, text: str) -> None:
    """It begins anew, and works."""
    watched.places.watch.parent.mkdir(parents=True, exist_ok=True)
    watched.places.watch.write_text(text)
    watched.dog = watched.started()
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD
    watched.tick()
    assert watched.node.kube.deleted


def test_a_node_without_gpus_is_left_in_peace(node: FakeNode) -> None:
    """Nothing is asked of the API, and the next look is far."""
    watched = Watched(node)
    watched.deploy(None)
    assert watched.dog.tick() == IDLE_SECONDS
    assert node.kube.asked == []


def test_it_follows_what_is_deployed(watched: Watched) -> None:
    """Another payload, another declaration: two GPUs now, and one is missing."""
    watched.tick()
    watched.deploy(Gpu(GPU, 2, 2))
    watched.tick(12)
    assert watched.node.text(watched.places.gpu_marker) is None


def test_it_ends_for_another_engine(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy has brought another engine: systemd starts the watchdog of that one."""
    own = watched.places.runtimes / ("0" * 64) / "edgectl/node/watch/watchdog.py"
    monkeypatch.setattr(watchdog, "__file__", str(own))
    assert not watched.dog.is_of_this_engine()
    current = Slots(watched.places).current
    assert current is not None
    runs = watched.places.runtime(current.envelope.runtime) / "edgectl/node/watch/watchdog.py"
    monkeypatch.setattr(watchdog, "__file__", str(runs))
    assert watched.dog.is_of_this_engine()


def test_an_image_that_edgectl_brought_and_that_is_gone() -> None:
    """By its full name or a short one, in any container; a stranger's image is a registry's matter."""
    waits = {"image": "edgectl.local/gate:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    images = frozenset(["edgectl.local/gate:1", "docker.io/rancher/pause:3"])
    assert pod_of(pod("a", initContainerStatuses=[waits]), {GPU}, images).lacks_image
    assert pod_of(pod("a", containerStatuses=[{**waits, "image": "rancher/pause:3"}]), {GPU}, images).lacks_image
    assert not pod_of(pod("a", initContainerStatuses=[{**waits, "image": "other.io/x:1"}]), {GPU}, images).lacks_image
    assert not pod_of(pod("a", initContainerStatuses=[{**waits, "state": {"running": {}}}]), {GPU}, images).lacks_image


def smoked(watched: Watched, said: dict[str, Any], *, code: int) -> None:
    """Let the GPU's next smokes end like this."""
    known = {"uuid": A, "name": "T4", "memory_bytes": 1 << 33, "seconds": 1.0, "gb_per_s": 0.0, "ok": False}

    def run(*argv: str) -> Ran:
        return ran(json.dumps({**known, **said}), code=code) if argv[-1] == A else watched._run(*argv)

    watched.node.on_run = run


def crashing(watched: Watched, restarts: int) -> None:
    """Let inference on the GPU be down after so many crashes."""
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    down = {"restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    watched.node.kube.objects[f"{PODS}/inference-x"] = pod("inference-x", containerStatuses=[down])
    entry = {"PodUID": "uid-inference-x", "ContainerName": "c", "ResourceName": GPU, "DeviceIDs": {"-1": [A]}}
    data = {"PodDeviceEntries": [entry], "RegisteredDevices": {GPU: [A]}}
    watched.node.write(watched.places.root / PLACE, json.dumps({"Data": data, "Checksum": 1}))


def test_a_failed_smoke_takes_the_marker_before_the_next_pod_can_start(watched: Watched) -> None:
    """Inference crash-loops and its only GPU computes wrongly: when its pod is deleted, the marker is gone already."""
    crashing(watched, 1)
    watched.tick()
    crashing(watched, 4)
    smoked(watched, {"reason": "element 7 is 9, not 22"}, code=2)
    gone: list[bool] = []
    delete = watched.node.kube.delete

    def note(path: str) -> None:
        gone.append(watched.node.text(watched.places.gpu_marker) is None)
        delete(path)

    watched.node.kube.delete = note  # type: ignore[method-assign]
    watched.tick(3)
    assert gone == [True]
    assert proof.read(watched.node).proven() == frozenset()
    assert "element 7" in proof.read(watched.node).devices[0].reason


def test_a_gpu_whose_memory_others_hold_keeps_its_proof(watched: Watched) -> None:
    """The smoke of a doubtful GPU finds no memory: inference has it. That says nothing against the GPU."""
    crashing(watched, 1)
    watched.tick()
    crashing(watched, 4)
    smoked(watched, {"reason": "CUDA_ERROR_OUT_OF_MEMORY (2)", "busy": True}, code=1)
    watched.tick(2)
    assert proof.read(watched.node).proven() == {A}
    assert watched.node.text(watched.places.gpu_marker) is not None


def test_what_does_not_end_is_given_up_the_second_time(watched: Watched) -> None:
    """A hang may be a slow machine: asked once more, after its pause."""
    crashing(watched, 1)
    watched.tick()
    crashing(watched, 4)
    smoked(watched, {"reason": "CUDA_ERROR_UNKNOWN (999)"}, code=1)
    watched.tick(1)
    assert proof.read(watched.node).proven() == {A}
    crashing(watched, 6)
    watched.node.kube.objects[PATH]["status"]["allocatable"][GPU] = "1"
    for _ in range(400):
        watched.tick()
        if not proof.read(watched.node).proven():
            break
    assert proof.read(watched.node).proven() == frozenset()


def test_an_unforeseen_failure_of_a_deed_costs_its_budget(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is journalled, and not tried at every look."""
    watched.node.kube.objects[f"{PODS}/inference-dead"] = DEAD

    def fail(path: str) -> None:
        raise TypeError(path)

    monkeypatch.setattr(watched.node.kube, "delete", fail)
    watched.tick(10)
    assert 2 <= len(watched.runs()) <= 5
    assert "TypeError" in watched.runs()[0][1]["reason"]


def test_what_a_pod_is() -> None:
    """A GPU's user, a plugin by the kubelet's folder that it mounts, a dead one, one that is down after a crash."""
    mounts = {"volumes": [{"name": "x", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}]}
    assert pod_of(pod("a"), {GPU}).uses_gpu
    assert not pod_of(pod("a"), {"amd.com/gpu"}).uses_gpu
    mounting = {"metadata": {"name": "p", "uid": "p"}, "spec": mounts}
    named = {"metadata": {"name": "n", "uid": "n", "labels": {"app.kubernetes.io/name": "nvidia-device-plugin"}}}
    assert plugins_of([mounting, pod("a")]) == {"p"}
    assert plugins_of([mounting, named]) == {"n"}, "others mount the kubelet's folder, too"
    assert pod_of(mounting, {GPU}, plugins=frozenset("p")).plugin
    assert pod_of(DEAD, {GPU}).dead == "UnexpectedAdmissionError"
    down = {"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    assert pod_of(pod("a", containerStatuses=[{**down, "lastState": ended}]), {GPU}).crashes == 3
    assert pod_of(pod("a", containerStatuses=[{"restartCount": 9, "state": {"running": {}}}]), {GPU}).crashes == -1
    unseen = {"terminated": {"exitCode": 255, "reason": "Unknown"}}
    assert pod_of(pod("a", containerStatuses=[{**down, "lastState": unseen}]), {GPU}).crashes == -1
