"""A look at a node's GPUs: all who know of a card mean the same one, and a part that is missing spoils no other."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from edgectl.node.gpu import checkpoint, proof
from edgectl.node.gpu.looked import looked
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.watch.ladder import Memory
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.gpu import GpuLook
from edgectl.wire.payload import Gpu
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN
from tests.unit.node.fake import FakeNode, case, ran

RESOURCE = "nvidia.com/gpu"
ZERO, ONE = (f"GPU-5a9dbc01-0000-4000-8000-{index:012d}" for index in range(2))
ROW = "{0}, {1}, 00000000:0{2}:00.0, Tesla T4, 535.183.01, 15360, 41, P0, 0, Not Active, Not Active, Not Active, [N/A]"
LOST = "Xid 79\nfatal 0000:02:00 79 GPU has fallen off the bus.\n"


class Rack:
    """A node with two proven GPUs, one of them held by inference; what its scripts say can be changed."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.gpu = Gpu(RESOURCE, 2, 1)
        self.says: dict[str, Any] = {name: ran("fine\n") for name in ("driver", "uvm", "toolkit", "xid")}
        self.lists(ZERO, ONE)
        self.object = case("node-rebooted-gpus")
        node.boot = self.object["status"]["nodeInfo"]["bootID"]
        node.kube.objects["/api/v1/nodes/node-1"] = self.object
        for name in ("pod-plugin-running", "pod-serving"):
            pod = case(name)
            meta = pod["metadata"]
            node.kube.objects[f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"] = pod
            if name == "pod-serving":
                self.pod = pod
        node.on_run = lambda *argv: self.says[Path(argv[1]).stem]
        node.write(node.places.gpu_marker, node.boot + "\n")
        self.proves(ZERO, ONE)
        self.keeps({self.pod["metadata"]["uid"]: [ZERO]}, [ZERO, ONE])

    def lists(self, *uuids: str) -> None:
        """Let nvidia-smi list these, and tell of them."""
        count = len(uuids)
        lines = [f"GPU {number}: Tesla T4 (UUID: {uuid})" for number, uuid in enumerate(uuids)]
        self.says["devices"] = ran("\n".join([f"{count} of 2 GPUs", *lines, ""]), code=0 if count > 1 else 1)
        lines = [ROW.format(number, uuid, number + 1) for number, uuid in enumerate(uuids)]
        self.says["health"] = ran("\n".join([f"{count} GPUs", *lines, ""]))

    def proves(self, *uuids: str, boot: str = "") -> None:
        """Let these be proven."""
        known = Device("", "Tesla T4", ok=True, seconds=1.0, gb_per_s=300, at=40.0, tries=1)
        devices = tuple(replace(known, uuid=uuid) for uuid in uuids)
        proof.keep(self.node, Proof(boot or self.node.boot, devices))

    def keeps(self, by_pod: dict[str, list[str]], registered: list[str] | None) -> None:
        """Let the kubelet have this on record."""
        entries = [
            {"PodUID": uid, "ContainerName": "c", "ResourceName": RESOURCE, "DeviceIDs": {"-1": ids}}
            for uid, ids in by_pod.items()
        ]
        known = {} if registered is None else {RESOURCE: registered}
        text = json.dumps({"Data": {"PodDeviceEntries": entries, "RegisteredDevices": known}, "Checksum": 1})
        self.node.write(self.node.places.root / checkpoint.PLACE, text)

    def look(self, **more: Any) -> GpuLook:
        """Look; the answer survives its way over the link."""
        seen = looked(self.node, self.gpu, "node-1", monotonic=lambda: 100.0, **more)
        assert from_json(GpuLook, json.loads(json.dumps(to_json(seen)))) == seen
        return seen


@pytest.fixture
def rack(node: FakeNode) -> Rack:
    """Return a rack where all is well."""
    return Rack(node)


def test_all_is_well(rack: Rack) -> None:
    """Both cards, their proof, who holds which, the plugin; the node is ready."""
    seen = rack.look()
    assert (seen.word, seen.why) == (READY, "2 of 2 GPUs ready in this boot")
    first, second = seen.cards
    assert (first.uuid, first.name, first.pci, first.temperature_c) == (ZERO, "Tesla T4", "0000:01:00", 41)
    assert first.why == "proven 1 min ago in 1.0 s, 300 GB/s; held by vision/inference-767689f7b4-n787f"
    assert second.why.endswith("; held by no pod")
    assert (seen.plugin.pod, seen.plugin.runs) == ("gpu-system/nvidia-device-plugin-24245", True)
    assert [(one.resource, one.offered, one.least, one.allocatable) for one in seen.offers] == [(RESOURCE, 2, 1, 2)]


def _no_driver(rack: Rack) -> None:
    rack.says |= {name: ran("the driver is not loaded\n", code=1) for name in ("driver", "devices", "health")}


def _smi_hangs(rack: Rack) -> None:
    stuck = ran("nvidia-smi does not answer within 15 s: a GPU hangs\n", code=2)
    rack.says |= {"devices": stuck, "health": stuck}


def _smi_cannot_be_asked(rack: Rack) -> None:
    rack.says |= {"devices": ran("", code=None), "health": ran("", code=None)}


def _ecc(rack: Rack) -> None:
    text = rack.says["health"].out.replace("41, P0, 0, ", "41, P0, 4, ", 1)
    rack.says["health"] = ran(text, code=2)


def _needs_a_reset(rack: Rack) -> None:
    text = rack.says["health"].out.replace("41, P0, 0, ", "[GPU requires reset], P0, 0, ", 1)
    rack.says["health"] = ran(text, code=2)


def _api_down(rack: Rack) -> None:
    rack.node.kube.down = True


def _lost_card(rack: Rack) -> None:
    rack.lists(ZERO)
    rack.says["xid"] = ran(LOST, code=2)


def _old_proof(rack: Rack) -> None:
    rack.proves(ZERO, ONE, boot="another")


def _stale_status(rack: Rack) -> None:
    rack.object["status"]["nodeInfo"]["bootID"] = "another"


def _unhealthy(rack: Rack) -> None:
    rack.keeps({}, [ZERO])
    rack.object["status"]["allocatable"][RESOURCE] = "1"


def _none_healthy(rack: Rack) -> None:
    rack.keeps({}, [])


def _old_marker(rack: Rack) -> None:
    rack.node.write(rack.node.places.gpu_marker, "another\n")


def _old_checkpoint(rack: Rack) -> None:
    os.utime(rack.node.places.root / checkpoint.PLACE, (1, 1))
    rack.node.booted = 2.0
    rack.keeps({}, [])
    os.utime(rack.node.places.root / checkpoint.PLACE, (1, 1))


def _torn_files(rack: Rack) -> None:
    for path in (rack.node.places.root / checkpoint.PLACE, rack.node.places.watch):
        rack.node.write(path, "{torn")


@pytest.mark.parametrize(
    ("wrong", "word", "layers"),
    [
        (_no_driver, NOT_READY, ["driver", "driver"]),
        (_smi_hangs, NOT_READY, ["listed", "listed"]),
        (_smi_cannot_be_asked, UNKNOWN, ["listed", "listed"]),
        (_ecc, DEGRADED, ["health", ""]),
        (_needs_a_reset, DEGRADED, ["health", ""]),
        (_api_down, UNKNOWN, ["allocatable", "allocatable"]),
        (_lost_card, DEGRADED, ["", "listed"]),
        (_old_proof, NOT_READY, ["smoke", "smoke"]),
        (_stale_status, NOT_READY, ["allocatable", "allocatable"]),
        (_unhealthy, DEGRADED, ["", "plugin"]),
        (_none_healthy, NOT_READY, ["plugin", "plugin"]),
        (_old_marker, NOT_READY, ["", ""]),
        (_old_checkpoint, READY, ["", ""]),
        (_torn_files, READY, ["", ""]),
    ],
)
def test_each_part_that_is_wrong(rack: Rack, wrong: Callable[[Rack], None], word: str, layers: list[str]) -> None:
    """What is wrong is named at its card; whatever it is, both cards are still spoken of."""
    wrong(rack)
    seen = rack.look()
    assert (seen.word, [card.layer for card in seen.cards]) == (word, layers), seen
    assert {card.uuid for card in seen.cards} == {ZERO, ONE}


def test_a_lost_card_has_the_kernels_word(rack: Rack) -> None:
    """It left the driver's list: the kernel's line about an address that nobody has now is about it."""
    _lost_card(rack)
    lost = rack.look().cards[1]
    assert (lost.index, lost.uuid, lost.pci) == (-1, ONE, "0000:02:00")
    assert lost.why == "the driver does not list it; the kernel says: Xid 79: GPU has fallen off the bus."


def test_a_card_that_nobody_knows_is_one(rack: Rack) -> None:
    """Two are declared, one is there and no name of the other is known: it is missed all the same."""
    rack.lists(ZERO)
    rack.proves(ZERO)
    rack.keeps({}, [ZERO])
    seen = rack.look()
    assert [(card.uuid, card.layer) for card in seen.cards] == [(ZERO, ""), ("", "listed")]
    assert seen.word == DEGRADED


def test_a_declared_card_that_was_swapped_is_missed(rack: Rack) -> None:
    """The inventory names these very cards: another one in its place is there, and this one is not."""
    rack.gpu = replace(rack.gpu, uuids=(ZERO, "GPU-of-old"))
    assert [card.uuid for card in rack.look().cards if card.layer == "listed"] == ["GPU-of-old"]


def test_a_card_beyond_those_that_are_declared_is_spare_once_it_is_gone(rack: Rack) -> None:
    """Law: it is shown, and is no card that the store lacks; while a pod may still get it, or it is named, it is one.

    Seeded: spare whatever the plugin offers, and whatever the inventory names.
    """
    rack.gpu = replace(rack.gpu, count=1)
    rack.lists(ZERO)
    rack.keeps({}, [ZERO])
    seen = rack.look()
    assert [(card.uuid, card.spare) for card in seen.cards] == [(ZERO, False), (ONE, True)]
    assert (seen.word, seen.cards[1].why) == (READY, "the driver does not list it")
    rack.keeps({}, [ZERO, ONE])
    assert not rack.look().cards[1].spare, "the plugin would give it to a pod"
    rack.keeps({}, [ZERO])
    rack.gpu = replace(rack.gpu, uuids=(ONE,))
    assert not rack.look().cards[1].spare, "this very card is declared"


def test_holders_without_the_api_have_no_names(rack: Rack) -> None:
    """Who holds a card is the kubelet's record; with the API down the pod is known by its UID."""
    _api_down(rack)
    (holder,) = rack.look().cards[0].holders or ()
    assert (holder.pod, holder.uid) == ("", rack.pod["metadata"]["uid"])


def test_the_dead_hold_nothing(rack: Rack) -> None:
    """After a boot the record still names pods of before: one that has ended, or is gone, is no holder."""
    rack.keeps({rack.pod["metadata"]["uid"]: [ZERO], "of-before": [ONE]}, [ZERO, ONE])
    rack.pod["status"]["phase"] = "Failed"
    assert [card.holders for card in rack.look().cards] == [(), ()]


def test_shared_and_split_cards(rack: Rack) -> None:
    """A time-sliced device is its card's; a split card stands for its parts, and is as well as the worst of them."""
    rack.gpu = Gpu("nvidia.com/gpu.shared", 1, 1, offers={"nvidia.com/gpu.shared": 2})
    rack.object["status"]["allocatable"]["nvidia.com/gpu.shared"] = "2"
    rack.lists(ZERO)
    rack.proves(ZERO)
    uid = rack.pod["metadata"]["uid"]
    shared = {
        "Data": {
            "PodDeviceEntries": [
                {"PodUID": uid, "ResourceName": "nvidia.com/gpu.shared", "DeviceIDs": {"-1": [f"{ZERO}::1"]}}
            ],
            "RegisteredDevices": {"nvidia.com/gpu.shared": [f"{ZERO}::0", f"{ZERO}::1"]},
        }
    }
    rack.node.write(rack.node.places.root / checkpoint.PLACE, json.dumps(shared))
    (card,) = rack.look().cards
    assert (card.healthy, [one.uid for one in card.holders or ()], card.word) == (True, [uid], READY)

    parts = "".join(f"  MIG 1g.10gb Device {number}: (UUID: MIG-{name})\n" for number, name in enumerate("ab"))
    listed = f"1 of 1\nGPU 0: NVIDIA A100 (UUID: {ZERO})\n{parts}"
    rack.says["devices"] = ran(listed)
    rack.says["health"] = ran("1\n" + ROW.format(0, ZERO, 1).replace("[N/A]", "Enabled") + "\n")
    rack.gpu = Gpu("nvidia.com/gpu", 1, 1, offers={"nvidia.com/gpu": 2})
    tried = (Device("MIG-a", ok=True, tries=1), Device("MIG-b", reason="wrong", tries=1))
    proof.keep(rack.node, Proof(rack.node.boot, tried))
    rack.keeps({}, ["MIG-a", "MIG-b"])
    (card,) = rack.look().cards
    assert (card.mig, card.why) == (True, "its smoke failed: wrong")


def test_a_cheap_look_runs_nothing(rack: Rack) -> None:
    """Without scripts no program is run; what is judged is proof, plugin and kubelet."""
    rack.node.on_run = lambda *_: pytest.fail("a program was run")
    seen = rack.look(scripts=False)
    assert (seen.word, [card.uuid for card in seen.cards]) == (READY, [ZERO, ONE])


def test_what_the_watchdog_has_left(rack: Rack) -> None:
    """Its sentence, and its deeds with their ages."""
    memory = Memory(done={"check: GPU-1": (70.0,), "bury": (80.0,)}, counts={"bury": 7}, held="GPU 1: 3 tries in vain")
    rack.node.write(rack.node.places.watch, canonical(to_json(memory)).decode())
    watch = rack.look().watch
    assert watch.held == "GPU 1: 3 tries in vain"
    deeds = [(deed.word, deed.what, deed.ago_seconds) for deed in watch.deeds]
    assert deeds == [("check", "GPU-1", 30.0), ("bury", "", 20.0)]
    assert watch.counts == {"bury": 7}


def test_whether_the_plugins_socket_answers() -> None:
    """None without a socket; one that speaks answers; one that only takes connections, or was left behind, does not."""
    with TemporaryDirectory(prefix="e-") as root:  # a socket's path is 107 bytes at most
        rack = Rack(FakeNode(Path(root)))
        assert rack.look().plugin.answers is None
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str((rack.node.places.root / checkpoint.PLACE).with_name("nvidia-gpu.sock")))
            server.listen()
            with ThreadPoolExecutor(1) as plugin:
                spoken = plugin.submit(_speak, server)
                assert rack.look().plugin.answers is True
                spoken.result()
            assert rack.look().plugin.answers is False
        assert rack.look().plugin.answers is False


def _speak(server: socket.socket) -> None:
    """Answer one call as a gRPC server does: with its SETTINGS."""
    line, _ = server.accept()
    with line:
        line.recv(64)
        line.sendall(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
