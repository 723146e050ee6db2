"""The marker that inference waits for: set only for GPUs that have computed in this boot, withdrawn when they go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.gpu import proof
from edgectl.node.gpu.checkpoint import PLACE
from edgectl.node.gpu.proven import Proven, Withdrawn
from edgectl.node.io.programs import Ran
from edgectl.wire.payload import Gpu
from tests.unit.node.fake import FakeNode, case, ran

RESOURCE = "nvidia.com/gpu"
PATH = "/api/v1/nodes/node-1"


A, B, C = (f"GPU-5a9dbc01-0000-4000-8000-00000000000{index}" for index in range(3))


class Watch:
    """A step on a node with GPUs, the clock that it sees, and how each GPU's smoke ends ("" is well)."""

    def __init__(self, node: FakeNode, *, count: int = 2, required: int = 2) -> None:
        self.node = node
        self.now = 100.0
        self.declared = Gpu(RESOURCE, count, required, hold_seconds=3.0)
        self.gate = self.step()
        self.ends = {A: "", B: ""}
        self.smoked: list[str] = []
        node.on_run = self._smoke
        self.show("node-rebooted-gpus")
        self.register(A, B)
        node.boot = case("node-rebooted-gpus")["status"]["nodeInfo"]["bootID"]

    def step(self) -> Proven:
        """Return the step as a new run of the engine has it."""
        return Proven(self.declared, "node-1", monotonic=lambda: self.now, sleep=self._sleep)

    def register(self, *uuids: str, pods: dict[str, list[str]] | None = None) -> None:
        """Let the kubelet have these devices on record, and who holds them."""
        entries = [
            {"PodUID": pod, "ContainerName": "c", "ResourceName": RESOURCE, "DeviceIDs": {"-1": devices}}
            for pod, devices in (pods or {}).items()
        ]
        data = {"PodDeviceEntries": entries, "RegisteredDevices": {RESOURCE: list(uuids)}}
        self.node.write(self.node.places.root / PLACE, json.dumps({"Data": data, "Checksum": 1}))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _smoke(self, *argv: str) -> Ran:
        """Answer as smoke.py does."""
        known = {"name": "T4", "memory_bytes": 1 << 33}
        if argv[-1] == "--list":
            return ran(json.dumps({"devices": [{"uuid": uuid, **known} for uuid in self.ends]}))
        uuid = argv[-1]
        self.smoked.append(uuid)
        reason = self.ends.get(uuid, "never: there is no such GPU")
        said = {"uuid": uuid, **known, "ok": not reason, "reason": reason, "seconds": 0.3, "gb_per_s": 300.0}
        return ran(json.dumps(said), code=0 if not reason else 2 if reason.startswith("never") else 1)

    def show(self, name: str, allocatable: str = "") -> None:
        """Let the API report this node object, with this many GPUs."""
        doc = case(name)
        if allocatable:
            doc["status"]["allocatable"][RESOURCE] = allocatable
        self.node.kube.objects[PATH] = doc

    def log(self) -> list[str]:
        """Return the proof's log without its times."""
        return [line.split(" ", 1)[1] for line in (self.node.text(self.node.places.gpu_log) or "").splitlines()]

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
    assert watch.smoked == [A, B]
    assert watch.log() == [f"proven {A}", f"proven {B}"]


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
    gate = Withdrawn(watch.declared, "node-1", monotonic=lambda: watch.now)
    assert gate.probe(watch.node).status is Status.IN_PROGRESS
    watch.now += 10
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
    watch.register(A)
    watch.look()
    watch.now += 3
    watch.bring()
    seen = watch.gate.probe(node)
    missing = f"1 of 2 {RESOURCE}; {B}: the device plugin does not offer it"
    assert (seen.status, seen.degraded) == (Status.CURRENT, missing)
    watch.show("node-rebooted-gpus", "2")
    watch.register(A, B)
    assert watch.look() is Status.DRIFTED
    watch.bring()
    assert watch.gate.probe(node).degraded == ""
    assert watch.smoked == [A, B]


def test_a_marker_that_cannot_be_written_is_said(watch: Watch) -> None:
    """A failed apply, not a crash."""
    folder = watch.node.places.gpu_marker.parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    watch.look()
    watch.now += 3
    with pytest.raises(ApplyFailed, match="could not be set"):
        watch.bring()


def ready(watch: Watch) -> None:
    """Let the number hold, and bring the step as far as it goes."""
    watch.look()
    watch.look(3.0)
    watch.bring()


def test_a_gpu_that_computes_wrongly_is_never_proven(watch: Watch) -> None:
    """Both required, one wrong: no marker, and the sentence names it with its reason."""
    watch.ends[B] = "never: element 7 is 9, not 22"
    ready(watch)
    seen = watch.gate.probe(watch.node)
    assert (seen.status, seen.is_gate) == (Status.FAILED, True), "the store is not ready: exit 5, as when a gate fails"
    assert f"{B}: never: element 7" in seen.reason
    assert watch.marker is None
    assert watch.smoked == [A, B]


def test_what_has_failed_is_told_at_once(watch: Watch) -> None:
    """Another look, of a process that has not watched the number hold: the failure is the answer, not the watching."""
    watch.ends[A] = "never: element 7 is 9, not 22"
    ready(watch)
    watch.gate = watch.step()
    assert "element 7" in watch.gate.probe(watch.node).reason


def test_one_that_is_not_there_yet_is_given_a_moment(watch: Watch) -> None:
    """A late driver: tried again until it computes, within the step's own time."""
    watch.ends[B] = "error 999"
    tries: list[float] = []

    def come(seconds: float) -> None:
        watch.now += seconds
        tries.append(watch.now)
        if len(tries) == 3:
            watch.ends[B] = ""

    watch.gate = Proven(watch.declared, "node-1", monotonic=lambda: watch.now, sleep=come)
    ready(watch)
    assert watch.look() is Status.CURRENT
    assert watch.smoked == [A, B, B, B, B]


def test_a_moment_is_not_for_ever(watch: Watch) -> None:
    """It stays away: the step ends, within a minute, and says what the smoke has said."""
    watch.ends[A] = "error 999"
    began = watch.now
    ready(watch)
    assert watch.now - began < 60
    assert watch.look() is Status.FAILED


def test_a_proof_of_another_boot_is_none(watch: Watch) -> None:
    """Should the record have survived with the marker, both are of another boot: everything is tried anew."""
    ready(watch)
    watch.node.boot = "another"
    watch.node.kube.objects[PATH]["status"]["nodeInfo"]["bootID"] = "another"
    watch.gate = watch.step()
    assert watch.look() is Status.IN_PROGRESS
    assert watch.look(3.0) is Status.DRIFTED
    watch.bring()
    assert watch.smoked == [A, B, A, B]
    assert watch.marker == "another\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boot": 3}', "null"])
def test_a_torn_record_is_none(watch: Watch, text: str) -> None:
    """A damaged record proves nothing: the GPUs are tried again, with the marker standing."""
    ready(watch)
    watch.node.write(watch.node.places.gpu_proof, text)
    assert watch.look() is Status.DRIFTED
    watch.bring()
    assert watch.look() is Status.CURRENT


def test_a_second_run_changes_nothing(watch: Watch) -> None:
    """Proven GPUs are not tried again by the next run: no smoke, no write."""
    ready(watch)
    watch.gate = watch.step()
    assert watch.look() is Status.CURRENT
    assert watch.smoked == [A, B]


def test_where_a_gpu_without_proof_is_offered_each_pod_is_told(node: FakeNode) -> None:
    """One required, one wrong and offered all the same: pods on the good one may start, the others are never told."""
    watch = Watch(node, count=2, required=1)
    watch.ends[B] = "never: wrong"
    watch.register(A, B, pods={"good": [A], "bad": [B]})
    ready(watch)
    places = node.places
    assert watch.look() is Status.CURRENT
    assert watch.marker is not None
    assert node.text(places.gpu_each) is not None
    assert node.names(places.gpu_pods) == ("good",)
    watch.register(A, B, pods={"new": [A], "bad": [B]})
    assert watch.look() is Status.DRIFTED
    watch.bring()
    assert node.names(places.gpu_pods) == ("new",)
    watch.register(A, pods={"new": [A]})
    node.kube.objects[PATH]["status"]["allocatable"][RESOURCE] = "1"
    assert watch.look() is Status.CURRENT
    assert node.text(places.gpu_each) is not None, "the bad one may be offered again at any moment"
    watch.ends[B] = ""
    watch.register(A, B, pods={"new": [A]})
    node.kube.objects[PATH]["status"]["allocatable"][RESOURCE] = "2"
    proof.try_again(node)
    watch.look()
    watch.bring()
    assert node.text(places.gpu_each) is None
    assert watch.look() is Status.CURRENT


def test_each_is_written_before_the_marker(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that sees the marker must see that it is to ask for its pod: the stricter word comes first."""
    watch = Watch(node, count=2, required=1)
    watch.ends[B] = "never: wrong"
    written: list[str] = []
    real = FakeNode.write

    def note(self: FakeNode, path: Path, text: str, *, mode: int = 0o644) -> None:
        written.append(path.name)
        real(self, path, text, mode=mode)

    monkeypatch.setattr(FakeNode, "write", note)
    ready(watch)
    assert written.index("each") < written.index("ready")


def test_a_press_tries_again_what_has_failed(watch: Watch) -> None:
    """A person's deploy forgets failures, and keeps what is proven."""
    watch.ends[B] = "never: wrong"
    ready(watch)
    proof.try_again(watch.node)
    watch.ends[B] = ""
    watch.gate = watch.step()
    ready(watch)
    assert watch.look() is Status.CURRENT
    assert watch.smoked == [A, B, B]


def test_a_marker_for_a_gpu_that_lost_its_proof_goes(watch: Watch) -> None:
    """Withdrawn: both required, and one is proven no more."""
    ready(watch)
    proof.keep(watch.node, proof.read(watch.node).without(B))
    gate = Withdrawn(watch.declared, "node-1", monotonic=lambda: watch.now)
    gate.probe(watch.node)
    watch.now += 10
    seen = gate.probe(watch.node)
    assert seen.status is Status.DRIFTED
    gate.apply(watch.node, seen)
    assert watch.marker is None


def test_giving_a_gpu_up_is_told_to_pods_first(watch: Watch) -> None:
    """Both required: `each` and the marker are done with when the proof goes; what runs on it has no word any more."""
    ready(watch)
    watch.gate.give_up(watch.node, B)
    assert watch.marker is None
    assert watch.node.text(watch.node.places.gpu_each) is not None
    assert watch.log()[-1] == f"withdrawn {B}"


def test_a_plugin_that_was_away_costs_no_proof(watch: Watch) -> None:
    """The GPUs have computed in this boot: when their plugin is back, the marker is, without another smoke."""
    ready(watch)
    watch.show("node-rebooted-gpus", "0")
    watch.register()
    gate = Withdrawn(watch.declared, "node-1", monotonic=lambda: watch.now)
    gate.probe(watch.node)
    watch.now += 10
    gate.apply(watch.node, gate.probe(watch.node))
    assert watch.marker is None
    watch.show("node-rebooted-gpus", "2")
    watch.register(A, B)
    watch.gate = watch.step()
    ready(watch)
    assert watch.look() is Status.CURRENT
    assert watch.smoked == [A, B]


def test_devices_without_names_are_not_yet(watch: Watch) -> None:
    """Allocatable, and the kubelet's record has no names for them: it is waited for, nothing is guessed."""
    watch.register()
    watch.look()
    assert watch.look(3.0) is Status.IN_PROGRESS
    assert watch.smoked == []


def test_gpus_of_other_makers_are_believed_to_their_plugin(node: FakeNode) -> None:
    """amd.com/gpu: no smoke is run, and the sentence does not claim that one was."""
    watch = Watch(node)
    watch.declared = Gpu("amd.com/gpu", 1, 1)
    watch.gate = watch.step()
    node.kube.objects[PATH]["status"]["allocatable"]["amd.com/gpu"] = "1"
    ready(watch)
    seen = watch.gate.probe(node)
    assert (seen.status, seen.reason) == (Status.CURRENT, "amd.com/gpu: 1 of 1 allocatable")
    assert watch.smoked == []
