"""`edgectl gpu` and, at the rack, `edgectl-node gpu`: the same facts and sentences, one exit code a state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import main as at_the_rack
from edgectl.node import session
from edgectl.node.gpu.checkpoint import PLACE
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.io import look as node_look
from edgectl.node.io import programs
from edgectl.node.io.look import Look
from edgectl.wire.document import to_json
from edgectl.wire.errors import Unreachable
from tests.cli.conftest import KEY, Edgectl
from tests.cli.node import StoreNode
from tests.unit.node.fake import FakeApi, ran

ZERO, ONE = (f"GPU-5a9dbc01-0000-4000-8000-{index:012d}" for index in range(2))
ROW = "{0}, {1}, 00000000:0{2}:00.0, Tesla T4, 535.183.01, 15360, 41, P0, 0, Not Active, Not Active, Not Active, [N/A]"
RESOURCE = "nvidia.com/gpu"
POD = {
    "metadata": {"uid": "u-1", "namespace": "vision", "name": "inference-7f", "labels": {}},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running"},
}
LOST = "Xid 79\nfatal 0000:02:00 79 GPU has fallen off the bus.\n"


class Rack:
    """A store of one node with two GPUs, one required, both proven; what is wrong with it is changed in a test."""

    def __init__(self, node: StoreNode, boot: str) -> None:
        self.node = node
        self.boot = boot
        self.api = FakeApi()
        self.says = {name: ran("fine\n") for name in ("driver", "uvm", "toolkit", "xid")}
        self.status: dict[str, Any] = {"nodeInfo": {"bootID": boot}, "allocatable": {RESOURCE: "2"}}
        self.api.objects["/api/v1/nodes/node-1"] = {"status": self.status}
        self.api.objects["/api/v1/namespaces/vision/pods/inference-7f"] = POD
        self.lists(ZERO, ONE)
        self.writes(node.places.gpu_marker, boot)
        devices = tuple(Device(uuid, ok=True, seconds=1.0, gb_per_s=300.0, tries=1) for uuid in (ZERO, ONE))
        self.writes(node.places.gpu_proof, json.dumps(to_json(Proof(boot, devices))))
        entry = {"PodUID": "u-1", "ResourceName": RESOURCE, "DeviceIDs": {"-1": [ZERO]}}
        data = {"PodDeviceEntries": [entry], "RegisteredDevices": {RESOURCE: [ZERO, ONE]}}
        self.writes(node.places.root / PLACE, json.dumps({"Data": data}))

    def lists(self, *uuids: str) -> None:
        """Let nvidia-smi list these, and tell of them."""
        count = len(uuids)
        lines = [f"GPU {number}: Tesla T4 (UUID: {uuid})" for number, uuid in enumerate(uuids)]
        self.says["devices"] = ran("\n".join([f"{count} of 2 GPUs", *lines, ""]), code=0 if count > 1 else 1)
        lines = [ROW.format(number, uuid, number + 1) for number, uuid in enumerate(uuids)]
        self.says["health"] = ran("\n".join([f"{count} GPUs", *lines, ""]))

    def writes(self, path: Path, text: str) -> None:
        """Put a file on the node."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def program(self, argv: tuple[str, ...], **more: Any) -> programs.Ran:
        """Run the probes of GPUs, and what the node runs otherwise."""
        if argv[0] == "sh" and Path(argv[1]).parent.name == "gpu":
            return self.says[Path(argv[1]).stem]
        return self.node.program(argv, **more)


@pytest.fixture
def cards(inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> Rack:
    """Return the store, deployed."""
    text = inventory.read_text().replace("{address:", "{gpu: {count: 2, required: 1}, address:")
    inventory.write_text(text)
    found = Rack(node, Look(node.places).boot_id())
    monkeypatch.setattr(programs, "run", found.program)
    monkeypatch.setattr(node_look, "ReadApi", lambda _: found.api)
    deployed = edgectl("deploy", "store-042")
    assert deployed.code == 0, deployed
    return found


@pytest.mark.usefixtures("cards")
def test_a_store_whose_gpus_are_well(edgectl: Edgectl) -> None:
    """Exit 0: each card, its proof, who holds it; all of it for programs, too. 80 columns, no colour."""
    said = edgectl("gpu", "store-042")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "store-042 is READY: 2 of 2 GPUs ready in this boot"
    flat = " ".join(said.out.split())
    assert "ready GPU 0 proven" in flat
    assert "held by vision/inference-7f" in flat
    assert f"Tesla T4 {ONE} 0000:02:00 41 C" in flat
    assert max(map(len, lines)) <= 80
    assert said.out.isascii()
    assert "  next" not in said.out
    assert "  ok        driver          fine" in edgectl("gpu", "store-042", "-v").out.splitlines()
    document = edgectl("gpu", "store-042", "-o", "json").document
    assert (document["word"], document["exit"]) == ("ready", 0)
    (card, _) = document["nodes"]["node-1"]["cards"]
    assert (card["uuid"], card["word"], card["holders"][0]["pod"]) == (ZERO, "ready", "inference-7f")
    assert card["smoke"]["ok"] is True


def _lost(cards: Rack) -> None:
    cards.lists(ZERO)
    cards.says["xid"] = ran(LOST, code=2)


def _no_driver(cards: Rack) -> None:
    cards.says |= {name: ran("the driver is not loaded\n", code=1) for name in ("driver", "devices", "health")}


def _api_down(cards: Rack) -> None:
    cards.api.down = True


def _smi_hangs(cards: Rack) -> None:
    cards.says["health"] = ran("", code=None)


@pytest.mark.parametrize(
    ("wrong", "code", "head", "also"),
    [
        (
            _lost,
            9,
            "store-042 is DEGRADED: 1 of 2 GPUs ready, 1 required: GPU-5a9dbc01: the driver does not list it; the ker",
            "kernel says: Xid 79: GPU has fallen off the bus.",
        ),
        (
            _no_driver,
            5,
            "store-042 is NOT READY: 0 of 2 GPUs ready, 1 required: the driver is not loaded",
            "next see why the driver does not load: edgectl ssh store-042 --node node-1 -- dmesg",
        ),
        (
            _api_down,
            5,
            "store-042 is UNKNOWN: 0 of 2 GPUs ready, 1 required: proven in this boot, but the Kuber",
            "GPU 1",
        ),
        (_smi_hangs, 5, "store-042 is UNKNOWN: 0 of 2", "unknown nvidia-smi health.sh did not end within 20 s"),
    ],
)
def test_what_is_wrong(
    cards: Rack, edgectl: Edgectl, wrong: Callable[[Rack], None], code: int, head: str, also: str
) -> None:
    """Its exit code, its sentence at the top, the next step; the rest is still looked at."""
    wrong(cards)
    said = edgectl("gpu", "store-042")
    assert said.code == code, said
    flat = " ".join(said.out.split())
    assert flat.startswith(head)
    assert also in flat
    assert max(map(len, said.out.splitlines())) <= 80
    assert edgectl("gpu", "store-042", "-o", "json").code == code


def test_the_technician_sees_the_same(
    cards: Rack, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`edgectl-node gpu`: the same sentences and exit code, with commands for this very machine."""
    _no_driver(cards)
    far = edgectl("gpu", "store-042")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(at_the_rack, "Places", lambda: cards.node.places)
    assert at_the_rack.main(["gpu"]) == far.code == 5
    near = capsys.readouterr().out.splitlines()
    assert near[0] == "node-1 is NOT READY: 0 of 2 GPUs ready, 1 required: the driver is not loaded"
    assert near[-1] == "  next      see why the driver does not load: dmesg"
    assert near[1:-1] == far.out.splitlines()[1 : len(near) - 1]


def test_a_look_that_takes_its_time_is_no_lost_link(
    cards: Rack, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nvidia-smi hangs, the operator hears a beat."""
    monkeypatch.setattr(session, "BEAT_SECONDS", 0.02)

    def program(argv: tuple[str, ...], **more: Any) -> programs.Ran:
        if argv[-1].endswith("health.sh"):
            cards.node.until(lambda: any(frame["op"] == "beat" for frame in cards.node.heard))
        return cards.program(argv, **more)

    monkeypatch.setattr(programs, "run", program)
    assert edgectl("gpu", "store-042").code == 0


def test_a_look_changes_nothing(cards: Rack, edgectl: Edgectl) -> None:
    """No run, no file, no object of the API."""
    cards.node.join()  # the deploy's run has told all
    runs = cards.node.runs
    before = sorted(str(path) for path in cards.node.places.root.rglob("*"))
    edgectl("gpu", "store-042")
    assert (cards.node.runs, cards.api.written) == (runs, [])
    assert sorted(str(path) for path in cards.node.places.root.rglob("*")) == before


def test_nodes_that_cannot_be_asked(
    cards: Rack, inventory: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two is off: degraded, and named. All are: exit 4. `--node` asks one alone."""
    second = f", node-2: {{role: agent, gpu: {{count: 1}}, address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text().rstrip().removesuffix("}") + second)
    off = Unreachable("node-2 (root@10.77.0.12:22) did not answer within 15 s")

    def connect(where: Any, runtime: Any) -> Any:
        if where.node == "node-2":
            raise off
        return cards.node.connect(where, runtime)

    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", connect)
    said = edgectl("gpu", "store-042")
    flat = " ".join(said.out.split())
    assert (said.code, "store-042 is DEGRADED: node-2: node-2 (root@" in flat) == (9, True)
    assert "node-1 is ready: 2 of 2 GPUs ready in this boot" in flat
    assert edgectl("gpu", "store-042", "-o", "json").document["nodes"]["node-2"]["error"] == "Unreachable"
    assert edgectl("gpu", "store-042", "--node", "node-1").code == 0
    gone = edgectl("gpu", "store-042", "--node", "node-2")
    assert (gone.code, gone.out) == (4, "")
    assert "next: " in gone.err


@pytest.mark.usefixtures("node")
def test_what_has_no_gpus(inventory: Path, edgectl: Edgectl) -> None:
    """No GPU in the inventory: exit 2. Declared but never deployed: exit 5, with the command that would."""
    said = edgectl("gpu", "store-042")
    assert (said.code, "no node of store-042 has a GPU in the inventory" in said.err) == (2, True)
    edgectl("deploy", "store-042")
    inventory.write_text(inventory.read_text().replace("{address:", "{gpu: {count: 1}, address:"))
    said = edgectl("gpu", "store-042")
    assert (said.code, "what runs on node-1 declares no GPU" in said.err) == (5, True)
    assert "next: edgectl deploy store-042, if" in said.err


@pytest.mark.usefixtures("node", "inventory")
def test_a_bare_node(edgectl: Edgectl, inventory: Path) -> None:
    """Nothing was deployed to it yet."""
    inventory.write_text(inventory.read_text().replace("{address:", "{gpu: {count: 1}, address:"))
    said = edgectl("gpu", "store-042")
    assert (said.code, "nothing has been deployed to this node yet" in said.err) == (5, True)
