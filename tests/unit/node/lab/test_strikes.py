"""What strikes a machine, and what never does; when a container began, by the machine's own word."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.node.lab import seen, strikes
from edgectl.node.lab.strikes import strike
from edgectl.wire.errors import EdgectlError, Exit, NotReady, StepFailed
from edgectl.wire.lab import K3S, PLUGIN, POWER, REBOOT, UVM
from edgectl.wire.payload import Gpu
from tests.unit.node.fake import FakeNode, ran

NODE = SimpleNamespace(name="node-1", gpu=Gpu("nvidia.com/gpu", 1, 1))
PLUGIN_ID, INFERENCE_ID = "c" * 64, "d" * 64
BOOTED = 1_000.0  # seconds of the wall clock


def pod(name: str, container: str, identity: str, **more: Any) -> dict[str, Any]:
    """Return a pod of this node with one running container."""
    return {
        "metadata": {"name": name, "namespace": "vision", "uid": f"uid-{name}", "labels": more.get("labels", {})},
        "spec": {"nodeName": "node-1", "containers": [{"name": container, "resources": more.get("resources", {})}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": container,
                    "containerID": f"containerd://{identity}",
                    "restartCount": more.get("tries", 0),
                    "state": {"running": {}},
                }
            ],
        },
    }


@pytest.fixture(autouse=True)
def store(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the node have a plugin, an inference on its second try, and their processes."""
    monkeypatch.setattr(seen, "deployed", lambda _: (None, NODE))
    monkeypatch.setattr(strikes, "deployed", lambda _: (None, NODE))
    plugin = pod("plugin", "device-plugin", PLUGIN_ID, labels={"name": "nvidia-device-plugin-ds"})
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    for one in (plugin, pod("inference", "inference", INFERENCE_ID, resources=limits, tries=1)):
        node.kube.objects[f"/api/v1/namespaces/vision/pods/{one['metadata']['name']}"] = one
    for pid, identity, seconds in (
        (41, PLUGIN_ID, 1),
        (42, PLUGIN_ID, 2),
        (51, INFERENCE_ID, 7),
        (52, INFERENCE_ID, 9),
    ):
        folder = node.places.root / f"proc/{pid}"
        folder.mkdir(parents=True)
        (folder / "cgroup").write_text(f"0::/kubepods/pod1/{identity}\n")
        ticks = seconds * os.sysconf("SC_CLK_TCK")
        (folder / "stat").write_text(f"{pid} (a) b) S {' '.join('0' * 18)} {ticks} 0\n")
        (folder / "environ").write_bytes(b"A=b\0NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2\0")
    node.booted = BOOTED
    (node.places.root / "dev").mkdir()
    (node.places.root / seen.UVM).touch()


@pytest.mark.parametrize("said", ["systemd-nspawn", "docker", "lxc"])
def test_no_power_cut_where_the_kernel_is_shared(node: FakeNode, said: str) -> None:
    """Law: in a container the trigger is the host's, and is never written."""
    trigger = node.places.root / "proc/sysrq-trigger"
    trigger.touch()
    node.on_run = lambda *_: ran(said + "\n")
    with pytest.raises(EdgectlError, match="shares its kernel") as error:
        strike(node, POWER)
    assert error.value.exit == Exit.REFUSED
    assert trigger.read_text() == ""


@pytest.mark.parametrize("answer", [ran("", code=None), ran("", code=127, err="not found")])
def test_no_power_cut_where_it_is_not_known(node: FakeNode, answer: Any) -> None:
    """Law: could not look is never fine: without systemd-detect-virt nobody knows whose kernel it is."""
    (node.places.root / "proc/sysrq-trigger").touch()
    node.on_run = lambda *_: answer
    with pytest.raises(EdgectlError, match="shares its kernel"):
        strike(node, POWER)


def test_a_power_cut_syncs_nothing(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: on a machine of its own the kernel restarts at once, after the answer has left and before any sync."""
    trigger = node.places.root / "proc/sysrq-trigger"
    trigger.touch()
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    node.on_run = lambda *_: ran("none\n", code=1)
    falls = strike(node, POWER)
    assert trigger.read_text() == ""
    falls()
    assert (trigger.read_text(), node.changes, slept) == ("b", [], [1.0])


def test_each_blow(node: FakeNode) -> None:
    """Law: nothing falls before it is let; then exactly this does."""
    node.units["k3s.service"] = {"ActiveState": "active"}
    for kind in (REBOOT, K3S, PLUGIN, UVM):
        falls = strike(node, kind)
        assert (node.changes, (node.places.root / seen.UVM).exists()) == ([], True)
        falls()
        done, node.changes = node.changes, []
        assert sorted(done) == {
            REBOOT: [("systemctl", "reboot", "--no-block")],
            K3S: [("systemctl", "restart", "k3s.service")],
            PLUGIN: [("kill", "41"), ("kill", "42")],
            UVM: [],
        }[kind]  # fmt: skip
    assert not (node.places.root / seen.UVM).exists()


def test_what_is_not_there_cannot_be_struck(node: FakeNode) -> None:
    """Law: a blow on nothing is none: each says what is missing."""
    node.kube.objects.clear()
    (node.places.root / seen.UVM).unlink()
    for kind, says in (
        (K3S, "k3s does not run"),
        (PLUGIN, "no device plugin"),
        (UVM, "not there"),
        (POWER, "not there"),
    ):
        node.on_run = lambda *_: ran("none\n", code=1)
        with pytest.raises(NotReady, match=says):
            strike(node, kind)
    with pytest.raises(EdgectlError, match="nothing called flood"):
        strike(node, "flood")


def test_a_restart_that_systemd_refuses_is_told(node: FakeNode) -> None:
    """Law: its last words are the reason."""
    node.on_change = lambda *_: ran("", code=1, err="Access denied")
    with pytest.raises(StepFailed, match="Access denied"):
        strike(node, REBOOT)()


def test_when_containers_began(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the oldest process of a container says when; a try that is over, by its log's birth in this boot."""
    logs = node.places.root / "var/log/pods/vision_inference_uid-inference/inference"
    logs.mkdir(parents=True)
    for name in ("0.log", "1.log", "0.log.20261128"):
        (logs / name).touch()
    born = {"0.log": BOOTED + 5, "1.log": BOOTED + 6}

    def run(*argv: str) -> Any:
        return ran(f"{born[Path(argv[-1]).name]}\n" if argv[0] == "stat" else "id-1\n")

    node.on_run = run
    monkeypatch.setattr(time, "clock_gettime_ns", lambda _: 3 * 10**9)  # it has slept for a second
    monkeypatch.setattr(time, "monotonic_ns", lambda: 2 * 10**9)
    monkeypatch.setattr(time, "time_ns", lambda: int((BOOTED + 2) * 10**9))
    look = seen.look_at(node)
    assert (look.k3s, look.uvm, look.plugin, look.unseen) == ("id-1", True, (PLUGIN_ID,), "")
    own, first, second = look.began
    assert (own.key, own.at, own.devices, own.exact) == (
        "uid-inference/inference/1",
        6 * 10**9,
        ("GPU-1", "GPU-2"),
        True,
    )
    assert (first.key, first.at, first.exact) == ("uid-inference/inference/0", 5 * 10**9, False)
    assert (second.key, second.exact) == (own.key, False)


def test_logs_of_another_boot_do_not_count(node: FakeNode) -> None:
    """Law: what began before this boot is judged by nobody; a file system without births tells nothing."""
    logs = node.places.root / "var/log/pods/vision_inference_uid-inference/inference"
    logs.mkdir(parents=True)
    (logs / "0.log").touch()
    for born in (str(BOOTED - 1), "0", "-", ""):
        node.on_run = lambda *_, said=born: ran(said)
        assert [one.exact for one in seen.look_at(node).began] == [True]


def test_an_api_that_is_down_is_a_look_too(node: FakeNode) -> None:
    """Law: boot and proofs are told all the same, and that pods could not be asked."""
    node.kube.down = True
    node.places.gpu_log.parent.mkdir(parents=True)
    node.places.gpu_log.write_text("1 proven GPU-1\n")
    look = seen.look_at(node)
    assert (look.boot, look.proofs, look.began) == (node.boot, "1 proven GPU-1\n", ())
    assert "connection refused" in look.unseen
