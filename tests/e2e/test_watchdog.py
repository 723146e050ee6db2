"""Between two runs of the engine, and at boots where hardware comes late: inference is back by itself, when proven.

Each test lets one thing go wrong on a real node and does nothing more; what ends it is the store's own doing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from edgectl.sandbox.gpu.knobs import Knobs, uuid
from tests.e2e.conftest import Shop
from tests.e2e.node import INFERENCE, MARKER, Node

pytestmark = pytest.mark.e2e

_LOG = "/run/edgectl/gpu/log"


@pytest.fixture
def knobs(settled: Shop) -> Iterator[Knobs]:
    """Yield the GPUs' knobs of a store that is well; afterwards they are as built, and the store is well again."""
    knobs = Knobs(settled.node.store)
    began = settled.node.sh("date +%s")
    yield knobs
    knobs.clear()
    knobs.load_driver()
    settled.node.run("systemctl", "start", "edgectl-watchdog", check=False)
    settled.node.wait("the store is well again", lambda: _serves(settled.node), seconds=120, every=1)
    assert settled.node.sh(f"journalctl -q -u edgectl-watchdog --since @{began} | grep -c Traceback || true") == "0"


def _serves(node: Node) -> bool:
    return _marked(node) and node.answers() == ""


def _marked(node: Node) -> bool:
    """Tell whether the marker stands, for this boot."""
    return node.sh(f"cat {MARKER} 2>/dev/null || true") == node.sh("cat /proc/sys/kernel/random/boot_id")


def _plugin(node: Node) -> str:
    """Return the process of the device plugin; "" without one."""
    return node.sh("pgrep -o -x gpu-plugin || true")


def _pods(node: Node) -> dict[str, dict[str, Any]]:
    """Return inference's pods: the others use no GPU."""
    return {pod["metadata"]["name"]: pod for pod in node.objects("pods", "-n", "vision", "-l", INFERENCE)}


def _did(node: Node, words: str) -> bool:
    """Tell whether the watchdog has journalled a deed."""
    return any(deed.startswith(words) for deed in node.deeds())


def _reboots(shop: Shop) -> None:
    shop.sandbox.reboot(wait_seconds=60)


def test_a_killed_plugin_costs_nothing(shop: Shop, knobs: Knobs) -> None:
    """Its container is back within seconds, and nothing is withdrawn: inference is never interrupted."""
    del knobs
    node, before, killed = shop.node, set(_pods(shop.node)), _plugin(shop.node)
    node.sh(f"kill -9 {killed}")
    node.wait("the plugin is back", lambda: _plugin(node) not in {"", killed}, seconds=60)
    assert node.answers() == ""
    assert set(_pods(node)) == before
    assert "withdrawn" not in node.sh(f"cat {_LOG}")


def test_a_plugin_that_is_stuck_is_restarted(shop: Shop, knobs: Knobs) -> None:
    """Stopped, with a device that turned bad meanwhile unseen: it takes connections and says nothing."""
    node, stuck = shop.node, _plugin(shop.node)
    knobs.unhealthy(0)
    node.wait("the kubelet knows", lambda: _allocatable(node) == "0", seconds=30)
    node.sh(f"kill -STOP {stuck}")
    knobs.unhealthy()
    node.wait("another plugin runs", lambda: _plugin(node) not in {"", stuck}, seconds=60)
    node.wait("the GPU is offered again", lambda: _allocatable(node) == "1", seconds=60)
    assert _did(node, "restart plugin")


def test_a_lost_gpu_loses_its_proof_and_its_pods(shop: Shop, knobs: Knobs) -> None:
    """It stays unhealthy though its plugin was restarted: proof and pods go; when it is well, all is back by itself."""
    node, before = shop.node, set(_pods(shop.node))
    knobs.unhealthy(0)
    node.wait("the marker is withdrawn", lambda: not _marked(node), seconds=60)
    node.wait("its pod is deleted", lambda: not before & set(_pods(node)), seconds=120, every=1)
    assert _did(node, f"withdraw {uuid(0)}")
    shop.operator.run("status", code=5)
    said = shop.operator.run("gpu", code=5)
    said.has("unhealthy")
    knobs.unhealthy()
    took = node.wait("inference is back", lambda: _serves(node), seconds=60)
    assert took < 45
    assert f"proven {uuid(0)}" in node.sh(f"tail -3 {_LOG}")


def _allocatable(node: Node) -> str:
    return node.kubectl("get", "node", "node-1", "-o", r"jsonpath={.status.allocatable.nvidia\.com/gpu}")


def test_a_gpu_that_does_not_compute_lets_nothing_start(shop: Shop, knobs: Knobs) -> None:
    """Allocatable, and CUDA computes wrongly: no inference after the boot, and why; mended, it comes by itself."""
    node = shop.node
    knobs.cuda({0: "wrong"})
    _reboots(shop)
    node.wait("it was tried", lambda: "computed" in _proof(node) or "wrong" in _proof(node), seconds=120, every=1)
    assert not _marked(node)
    assert _entrypoints(node) == 0
    said = shop.operator.run("gpu", code=5)
    said.has("its smoke failed")
    shop.operator.run("status", code=5).has(uuid(0))
    knobs.cuda({})
    node.wait("inference is back", lambda: _serves(node), seconds=90)


def _proof(node: Node) -> str:
    with suppress(ValueError, LookupError):
        doc = json.loads(node.sh("cat /run/edgectl/gpu/proof.json 2>/dev/null || true"))
        return " ".join(device["reason"] for device in doc["devices"])
    return ""


def _entrypoints(node: Node) -> int:
    """Return how many inference services run, by their processes."""
    return int(node.sh("pgrep -cf '[e]dgectl.stack.inference' || true"))


@pytest.mark.long  # in CI by the test above, and of each fault by tests/gpu, with the same engine and a CUDA like that
@pytest.mark.parametrize("fault", ["hang", "error999", "error2"])
def test_whatever_cuda_says_is_no_proof(shop: Shop, knobs: Knobs, fault: str) -> None:
    """A hang ends at its deadline; an error is told by its name; none of them is taken for a GPU that computes."""
    node = shop.node
    knobs.cuda({0: fault})
    node.sh("rm -r /run/edgectl/gpu")
    node.wait("it was tried", lambda: bool(_proof(node)), seconds=90, every=1)
    assert not _marked(node)
    word = {"hang": "did not end within", "error999": "CUDA_ERROR_UNKNOWN", "error2": "CUDA_ERROR_OUT_OF_MEMORY"}[fault]
    assert word in _proof(node)
    knobs.cuda({})
    node.wait("the marker stands", lambda: _marked(node), seconds=120)


def test_a_driver_that_comes_late(shop: Shop, knobs: Knobs) -> None:
    """Longer than boot unit and engine wait: the watchdog proves the GPU as soon as the driver is there."""
    node = shop.node
    knobs.driver_after(None)
    _reboots(shop)
    node.wait("the engine has given up", lambda: _verdict_of_this_boot(node) != "", seconds=180, every=1)
    assert not _marked(node)
    assert _entrypoints(node) == 0
    shop.operator.run("gpu", code=5).has("the driver is not loaded")
    knobs.load_driver()
    took = node.wait("inference is back", lambda: _serves(node), seconds=60)
    assert took < 30


def _verdict_of_this_boot(node: Node) -> str:
    boot = node.sh("cat /proc/sys/kernel/random/boot_id")
    for run in reversed(node.runs()):
        events = node.events(run)
        if events and events[0].get("data", {}).get("boot") == boot:
            return str(node.verdict(run).get("word", ""))
    return ""


def test_a_plugin_that_offers_more_than_there_is(shop: Shop, knobs: Knobs) -> None:
    """Two offered, one exists: the pod on the real one serves, the surplus is named, and no pod starts on it."""
    node = shop.node
    knobs.set("count", "2")
    node.wait("each pod is asked", lambda: node.sh("ls /run/edgectl/gpu").find("each") >= 0, seconds=60)
    for _ in range(3):
        name = next(iter(_pods(node)))
        node.kubectl("delete", "pod", name, "-n", "vision", "--wait=false")
        node.wait("it is gone", lambda: name not in _pods(node), seconds=60)  # noqa: B023 - called in here only
        node.wait("another pod serves", lambda: node.answers() == "", seconds=120)
        (pod,) = _pods(node).values()
        assert node.sh(f"ls /run/edgectl/gpu/pods/{pod['metadata']['uid']}")
    # Pods that were deleted so often make the link flap: it is believed again after a quiet minute.
    node.wait("no link flaps", lambda: node.run("edgectl-node", "chain", check=False).code != 5, seconds=90, every=1)
    shop.operator.run("status", code=9).has("correct gpu.count")
    knobs.clear()
    node.wait("nobody is asked any more", lambda: "each" not in node.sh("ls /run/edgectl/gpu").split(), seconds=60)
    node.wait("the API knows, too", lambda: _allocatable(node) == "1", seconds=60)


def test_a_marker_of_another_boot_lets_nothing_in(shop: Shop, knobs: Knobs) -> None:
    """Should /run survive a boot, or somebody write the marker: it is put right before anything else is believed."""
    del knobs
    node = shop.node
    node.sh(f"echo 00000000-0000-0000-0000-000000000000 > {MARKER}")
    node.wait("the marker is of this boot", lambda: _marked(node), seconds=30)


def test_a_folder_that_cannot_be_written_is_said(shop: Shop, knobs: Knobs) -> None:
    """The marker's folder is read-only: what cannot be said is not said, the reason is; it comes when it can."""
    del knobs
    node = shop.node
    node.sh("systemctl stop edgectl-watchdog")  # it would write the marker again before the folder is closed
    node.sh(
        f"rm {MARKER} && mount --bind /run/edgectl/gpu /run/edgectl/gpu && mount -o remount,ro,bind /run/edgectl/gpu"
    )
    try:
        assert "Read-only file system" in str(node.heal())
        assert not _marked(node)
    finally:
        node.sh("umount /run/edgectl/gpu; systemctl start edgectl-watchdog")
    node.wait("the marker stands", lambda: _marked(node), seconds=60)


def test_hands_on_work_is_left_alone(shop: Shop, knobs: Knobs) -> None:
    """Paused: a technician may stop a plugin for as long as it takes, and nobody restarts it."""
    node = shop.node
    shop.operator.run("pause", "--for", "10m", "--why", "a new card")
    deeds = node.deeds()
    node.sh(f"rm {MARKER}")
    knobs.unhealthy(0)
    node.wait("the kubelet knows", lambda: _allocatable(node) == "0", seconds=30)
    node.sh("sleep 25")
    assert node.deeds() == deeds
    knobs.unhealthy()
    shop.operator.run("resume")
    node.wait("the marker stands", lambda: _marked(node), seconds=60)


def test_what_other_tools_read(shop: Shop, knobs: Knobs) -> None:
    """Condition, Event and metrics, as kubectl and Prometheus find them."""
    del knobs
    node = shop.node
    path = r"jsonpath={.status.conditions[?(@.type=='edgectl.dev/GpuReady')].status}"
    node.wait("the condition is true", lambda: node.kubectl("get", "node", "node-1", "-o", path) == "True", seconds=90)
    reasons = {event["reason"] for event in node.objects("events", "-n", "default")}
    assert "GpuProven" in reasons
    metrics = node.sh("cat /run/edgectl/metrics/edgectl.prom")
    assert "edgectl_gpu_ready 1" in metrics
    assert f'edgectl_gpu_proven{{uuid="{uuid(0)}"}} 1' in metrics
