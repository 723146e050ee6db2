"""The step of the GPU's driver: what it waits for, what it loads, and what it only says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.gpu.driver import Driver, another
from edgectl.node.io.programs import Ran
from edgectl.wire.payload import Gpu
from tests.unit.node.fake import FakeNode, ran


class Scripts:
    """What the probe scripts say on this node, and which were run."""

    def __init__(self, node: FakeNode) -> None:
        self.says = {
            "driver.sh": (0, "driver 580.95.05 is loaded"),
            "uvm.sh": (0, "nvidia-uvm is there"),
            "persistence.sh": (0, "persistence mode is on"),
            "toolkit.sh": (0, "toolkit 1.20.0"),
        }
        self.asked: list[tuple[str, ...]] = []
        node.on_run = self.run

    def run(self, *argv: str) -> Ran:
        """Answer as a script would."""
        name = Path(argv[1]).name
        self.asked.append((name, *argv[2:]))
        code, said = self.says[name]
        return ran(said + "\n", code=code, argv=argv)


@pytest.fixture
def scripts(node: FakeNode) -> Scripts:
    """Return a node on which all is well."""
    return Scripts(node)


GPU = Gpu("nvidia.com/gpu", 2, 1, driver="570.86.15", toolkit="1.20.0")


def test_all_three_are_asked_with_what_is_declared(node: FakeNode, scripts: Scripts) -> None:
    """And what they say is the reason."""
    seen = Driver(GPU).probe(node)
    assert (seen.status, seen.reason) == (Status.CURRENT, "driver 580.95.05 is loaded; toolkit 1.20.0")
    assert seen.degraded == ""
    assert scripts.asked == [("driver.sh", "570.86.15"), ("uvm.sh",), ("toolkit.sh", "1.20.0")]


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("driver.sh", 1, Status.IN_PROGRESS),
        ("driver.sh", 2, Status.FAILED),
        ("toolkit.sh", 2, Status.FAILED),
    ],
)
def test_not_yet_and_never_are_the_scripts_own(
    node: FakeNode, scripts: Scripts, name: str, code: int, status: Status
) -> None:
    """A late driver is waited for, a broken one is not."""
    scripts.says[name] = (code, "the reason")
    seen = Driver(GPU).probe(node)
    assert (seen.status, seen.reason) == (status, "the reason")
    assert scripts.asked[-1][0] == name


def test_a_script_that_does_not_end_is_no_look(node: FakeNode, scripts: Scripts) -> None:
    """Could not look is never fine."""
    scripts.says["uvm.sh"] = (127, "")
    with pytest.raises(LookFailed):
        Driver(GPU).probe(node)


def test_a_missing_uvm_is_loaded(node: FakeNode, scripts: Scripts) -> None:
    """By load.sh; what the next look sees is the result."""
    scripts.says["uvm.sh"] = (1, "/dev/nvidia-uvm is missing")
    seen = Driver(GPU).probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("/dev/nvidia-uvm", "missing", "there"),))
    Driver(GPU).apply(node, seen)
    assert [Path(argv[1]).name for argv in node.changes] == ["load.sh"]


def test_a_driver_that_lies_there_is_loaded(node: FakeNode, scripts: Scripts) -> None:
    """By load.sh; nobody waits for a boot that does it."""
    scripts.says["driver.sh"] = (1, "driver 580.95.05 is installed and not loaded: modprobe nvidia")
    seen = Driver(GPU).probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("driver", "not loaded", "loaded"),))
    Driver(GPU).apply(node, seen)
    assert [Path(argv[1]).name for argv in node.changes] == ["load.sh"]


def test_a_driver_that_is_refused_is_a_failed_apply(node: FakeNode, scripts: Scripts) -> None:
    """Secure Boot: with what to do."""
    scripts.says["driver.sh"] = (1, "driver 580.95.05 is installed and not loaded: modprobe nvidia")
    node.on_change = lambda *argv: ran("Secure Boot refuses the module of driver 580.95.05\n", code=2, argv=argv)
    with pytest.raises(ApplyFailed, match=r"Secure Boot refuses the module of driver 580\.95\.05"):
        Driver(GPU).apply(node, Driver(GPU).probe(node))


def test_declared_packages_keep_the_gpus_up(node: FakeNode, scripts: Scripts) -> None:
    """Persistence is a fact like the others; where packages are not declared it is not asked for."""
    scripts.says["persistence.sh"] = (1, "persistence mode is off: nvidia-smi -pm 1")
    assert Driver(GPU).probe(node).status is Status.CURRENT
    step = Driver(GPU, persistent=True)
    seen = step.probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("persistence mode", "off", "on"),))
    step.apply(node, seen)
    assert [argv[2:] for argv in node.changes] == [("persistence",)]


def test_a_gpu_without_persistence_serves_degraded(node: FakeNode, scripts: Scripts) -> None:
    """It computes all the same, only later."""
    scripts.says["persistence.sh"] = (0, "persistence mode cannot be set: Unable to set persistence mode")
    seen = Driver(GPU, persistent=True).probe(node)
    assert seen.status is Status.CURRENT
    assert seen.degraded.endswith("persistence mode cannot be set: Unable to set persistence mode")


def test_k3s_finds_a_toolkit_that_came_later_by_one_restart(node: FakeNode, scripts: Scripts) -> None:
    """Its own unit, and nothing else is done."""
    scripts.says["toolkit.sh"] = (1, "the NVIDIA container toolkit came after k3s had started")
    step = Driver(GPU, "k3s-agent.service")
    seen = step.probe(node)
    assert seen.status is Status.DRIFTED
    step.apply(node, seen)
    assert node.changes == [("systemctl", "restart", "k3s-agent.service")]


def test_a_k3s_that_does_not_restart_is_a_failed_apply(node: FakeNode, scripts: Scripts) -> None:
    """And said so."""
    scripts.says["toolkit.sh"] = (1, "the NVIDIA container toolkit came after k3s had started")
    node.on_change = lambda *argv: ran("Job failed\n", code=1, argv=argv)
    with pytest.raises(ApplyFailed, match="k3s could not be restarted: Job failed"):
        Driver(GPU).apply(node, Driver(GPU).probe(node))


def test_a_uvm_that_cannot_be_loaded_is_a_failed_apply(node: FakeNode, scripts: Scripts) -> None:
    """With the script's own sentence."""
    scripts.says["uvm.sh"] = (1, "/dev/nvidia-uvm is missing")
    node.on_change = lambda *argv: ran("nvidia-uvm cannot be loaded: no module\n", code=2, argv=argv)
    with pytest.raises(ApplyFailed, match="nvidia-uvm cannot be loaded: no module"):
        Driver(GPU).apply(node, Driver(GPU).probe(node))


def test_another_version_serves_degraded(node: FakeNode, scripts: Scripts) -> None:
    """It computes: no reason to be dark."""
    scripts.says["driver.sh"] = (0, "driver 580.95.05 is loaded (570.86.15 is declared)")
    scripts.says["toolkit.sh"] = (0, "toolkit 1.17.8, older than 1.18: a daemon-reload ... (1.20.0 is declared)")
    seen = Driver(GPU).probe(node)
    assert seen.status is Status.CURRENT
    assert seen.degraded == "driver 580.95.05 instead of 570.86.15, toolkit 1.17.8 instead of 1.20.0"
    assert another("driver 580.95.05 is loaded", "toolkit 1.17.8, older than 1.18: (see there)") == ""


@pytest.mark.parametrize(
    ("gpu", "known"),
    [
        (Gpu("amd.com/gpu", 1, 1), False),
        (Gpu("gpu.intel.com/xe", 1, 1), False),
        (Gpu("nvidia.com/gpu.shared", 1, 1), True),
        (Gpu("example.com/gpu", 1, 1, offers={"nvidia.com/mig-1g.5gb": 7}), True),
    ],
)
def test_of_other_vendors_nothing_is_known(node: FakeNode, scripts: Scripts, gpu: Gpu, known: bool) -> None:  # noqa: FBT001
    """No script is run, nothing is claimed."""
    seen = Driver(gpu).probe(node)
    assert seen.status is Status.CURRENT
    assert bool(scripts.asked) == known
    if not known:
        assert seen.reason == f"nothing of the driver is known for {gpu.resource}"
