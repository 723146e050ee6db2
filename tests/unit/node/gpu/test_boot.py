"""Before k3s starts: a bounded wait, uvm loaded, nothing of another boot believed, always a good end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.gpu import proof
from edgectl.node.gpu.boot import DRIVER_SECONDS, Boot, _packaged, gpu_boot
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.io.programs import Ran
from edgectl.node.startup.part import part
from edgectl.wire.envelope import Envelope, Sender
from tests.unit.node.fake import BOOT, FakeNode, ran


@dataclass
class Start:
    """A node that boots: its clock, and what its scripts say from which second on."""

    node: FakeNode
    driver_after: float = 0.0
    uvm: bool = True
    loads: bool = True
    lies_there: bool = False  # a module that nobody has loaded yet
    seconds: float = 0.0
    ran: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def boot(self, *, nvidia: bool = True, persistent: bool = False) -> None:
        """Run it."""
        Boot(
            self.node.places,
            BOOT,
            persistent=persistent,
            script=self._script,
            monotonic=lambda: self.seconds,
            sleep=self._sleep,
            say=self.said.append,
        ).run(nvidia=nvidia)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def _script(self, script: str, *words: str) -> Ran:
        name = Path(script).name
        self.ran.append(" ".join((name, *words)))
        if name == "driver.sh":
            if self.lies_there:
                return ran("driver 580.95.05 is installed and not loaded: modprobe nvidia", code=1)
            up = self.seconds >= self.driver_after
            return ran("driver 580.95.05 is loaded" if up else "the driver is not loaded", code=0 if up else 1)
        if name == "uvm.sh":
            return ran("nvidia-uvm is there" if self.uvm else "/dev/nvidia-uvm is missing", code=0 if self.uvm else 1)
        self.uvm = self.loads
        self.lies_there = self.lies_there and not self.loads
        return ran("nvidia-uvm is loaded" if self.loads else "nvidia-uvm cannot be loaded", code=0 if self.loads else 2)


@pytest.fixture
def start(node: FakeNode) -> Start:
    """Return a node on which all is there."""
    return Start(node)


def test_a_usual_boot_waits_for_nothing(start: Start) -> None:
    """Two looks, and k3s may start."""
    start.boot()
    assert (start.seconds, start.ran) == (0.0, ["driver.sh", "uvm.sh"])
    assert start.said == ["driver 580.95.05 is loaded", "nvidia-uvm is there"]


def test_a_late_driver_is_waited_for_and_uvm_loaded(start: Start) -> None:
    """What is said, is said once."""
    start.driver_after, start.uvm = 7.0, False
    start.boot()
    assert start.seconds == 7.0
    assert start.ran[-3:] == ["driver.sh", "uvm.sh", "load.sh"]
    assert start.said[:2] == ["the driver is not loaded", "driver 580.95.05 is loaded"]
    assert start.said[-1] == "nvidia-uvm is loaded"


def test_a_driver_that_lies_there_is_loaded_at_once(start: Start) -> None:
    """The boot itself has not: nothing is waited for. Where its packages are declared, it keeps the GPUs up."""
    start.lies_there = True
    start.boot(persistent=True)
    assert (start.seconds, start.ran) == (0.0, ["driver.sh", "load.sh persistence", "driver.sh", "uvm.sh"])


def test_a_driver_that_is_refused_costs_the_boot_nothing(start: Start) -> None:
    """Tried once; k3s starts, and the sentence is in the journal."""
    start.lies_there, start.loads = True, False
    start.boot()
    assert (start.seconds, start.ran) == (0.0, ["driver.sh", "load.sh"])
    assert start.said == ["nvidia-uvm cannot be loaded"]


@pytest.mark.parametrize(
    ("driver", "waited"),
    [(1e9, DRIVER_SECONDS), (4.0, 4.0), (0.0, 0.0)],
)
def test_no_wait_is_without_end(start: Start, driver: float, waited: float) -> None:
    """k3s must start anyway: a store without a driver still answers what needs none."""
    start.driver_after = driver
    start.boot()
    assert start.seconds == waited
    assert ("uvm.sh" in start.ran) == (driver < 1e9)


def test_a_uvm_that_cannot_be_loaded_ends_well(start: Start) -> None:
    """It is said; the engine looks again."""
    start.uvm = start.loads = False
    start.boot()
    assert start.said[-1] == "nvidia-uvm cannot be loaded"


def test_a_driver_that_never_comes_is_not_waited_for(start: Start) -> None:
    """Never is not not-yet: a version mismatch costs the boot nothing."""
    Boot(
        start.node.places,
        BOOT,
        script=lambda script: ran("Driver/library version mismatch", code=2, argv=("sh", script)),
        monotonic=lambda: start.seconds,
        sleep=start._sleep,
        say=start.said.append,
    ).run(nvidia=True)
    assert (start.seconds, start.said) == (0.0, ["Driver/library version mismatch"])


def test_other_vendors_drivers_are_not_asked_for(start: Start) -> None:
    """Only stale proofs are everybody's."""
    start.boot(nvidia=False)
    assert (start.seconds, start.ran) == (0.0, [])


@pytest.mark.parametrize(("marker", "kept"), [("another-boot\n", False), (f"{BOOT}\n", True)])
def test_a_marker_of_another_boot_goes_with_all_that_it_vouched_for(start: Start, marker: str, kept: bool) -> None:  # noqa: FBT001
    """Pods' own words, too: a pod that came back from before the boot has the same UID."""
    places = start.node.places
    start.node.write(places.gpu_marker, marker)
    start.node.write(places.gpu_pods / "uid-1", "")
    start.boot()
    assert places.gpu_marker.exists() == (places.gpu_pods / "uid-1").exists() == kept


def test_a_proof_of_another_boot_goes(start: Start) -> None:
    """Also without a marker."""
    places = start.node.places
    proof.keep(start.node, Proof("another-boot", (Device("GPU-1", ok=True),)))
    start.boot()
    assert not places.gpu_proof.exists()
    proof.keep(start.node, Proof(BOOT, (Device("GPU-1", ok=True),)))
    start.boot()
    assert places.gpu_proof.exists()


def slot(node: FakeNode, payload: str) -> None:
    """Accept a payload of whatever form."""
    digest = "sha256:" + "1" * 64
    node.write(node.places.blob(digest), payload)
    sender = Sender("me", "here")
    Slots(node.places).accept(Envelope("store", "node-1", digest, "sha256:" + "2" * 64, "", 1, "", sender))


@pytest.mark.parametrize(
    ("nodes", "gpu"),
    [
        (
            [{"name": "node-1", "gpu": {"resource": "nvidia.com/gpu", "new": 1}}],
            {"resource": "nvidia.com/gpu", "new": 1},
        ),
        ([{"name": "node-1", "gpu": None}], None),
        ([{"name": "node-1"}], None),
        ([{"name": "node-2", "gpu": {}}, {"name": "node-1"}], None),
        ([{"name": "node-2", "gpu": {}}], None),
        ("torn", None),
    ],
)
def test_this_nodes_gpus_whatever_the_rest_of_the_payload_is(node: FakeNode, nodes: Any, gpu: Any) -> None:
    """A payload of a newer or older form is no reason to look at nothing."""
    slot(node, json.dumps({"format": 99, "nodes": nodes}))
    assert part(node.places).get("gpu") == gpu


@pytest.mark.parametrize(
    ("host", "packaged"),
    [
        ({"os": {"packages": {"gpu": [{"name": "nvidia-driver"}]}}}, True),
        ({"os": None}, False),
        ({}, False),
        ([], False),
    ],
)
def test_packages_of_the_gpu_ask_for_persistence(host: Any, packaged: bool) -> None:  # noqa: FBT001
    """Whoever has a driver of his own sets that himself."""
    assert _packaged({"host": host}) == packaged


@pytest.mark.parametrize("payload", [None, "{", "[]", json.dumps({"nodes": [{"name": "node-1"}]})])
def test_a_node_without_gpus_costs_nothing(
    node: FakeNode, payload: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bare, unreadable, or without: it ends well, and says so."""
    if payload is not None:
        slot(node, payload)
    gpu_boot(node.places)
    assert capsys.readouterr().out.endswith("this node has no GPUs\n")
