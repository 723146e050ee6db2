"""A machine without a driver, a driver's packages, and what goes wrong between them.

apt, dpkg and DKMS are the real ones. The node's own scripts judge, as a technician runs them; nothing is deployed.
"""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgectl.sandbox.gpu.debs import CURRENT, NEWER, DebFile, driver_debs
from edgectl.sandbox.gpu.knobs import Knobs
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.wire.errors import StepFailed
from tests.e2e.conftest import PREFIX
from tests.e2e.node import Node
from tests.e2e.operator import ROOT

pytestmark = pytest.mark.e2e
STORE = f"{PREFIX}-driver"
SCRIPTS = "/root/gpu"


@dataclass(frozen=True)
class Machine:
    """A node, its pretend hardware, and NVIDIA's packages."""

    node: Node
    knobs: Knobs
    packages: tuple[DebFile, ...]

    def says(self, script: str, *words: str) -> tuple[int, str]:
        """Run one of the node's scripts; return its exit code and last line."""
        ran = self.node.run("sh", f"{SCRIPTS}/{script}.sh", *words, check=False)
        assert ran.err == ""
        return ran.code, ran.out.splitlines()[-1]

    def smoke(self) -> str:
        """Let the first GPU compute; return why it does not."""
        ran = self.node.run(
            "python3", "-I", f"{SCRIPTS}/smoke.py", "GPU-5a9dbc01-0000-4000-8000-000000000000", check=False
        )
        return "" if ran.code == 0 else ran.out

    def files(self, version: str) -> list[Path]:
        """Return the files of one driver's packages, and of those that all drivers need."""
        other = {CURRENT: NEWER, NEWER: CURRENT}[version]
        return [deb.path for deb in self.packages if deb.version != f"{other}-1"]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Yield a node that was just installed, with two cards."""
    box = Sandbox(say=print)
    for store in box.stores():
        if store.name == STORE:
            box.down(STORE)
    store = box.up(STORE, gpus=2, bare=True)
    try:
        node = Node(store)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path in (ROOT / "edgectl/node/gpu").glob("*"):
                if path.suffix in {".sh", ".py"}:
                    tar.add(path, path.name)
        text = base64.b64encode(packed.getvalue()).decode()
        node.run("sh", "-c", f"mkdir {SCRIPTS} && base64 -d | tar -x -C {SCRIPTS}", stdin=text)
        yield Machine(node, Knobs(store), driver_debs())
    finally:
        box.down(STORE)


def test_from_a_bare_machine_to_a_gpu_that_computes(machine: Machine) -> None:
    """Packages, one restart that nouveau makes necessary, and no hands; each step on the way is named."""
    code, said = machine.says("driver")
    assert (code, said.startswith("nouveau holds the GPU at 0000:01:00.0: install NVIDIA's driver")) == (1, True), said
    machine.knobs.install(*machine.files(CURRENT))
    assert machine.says("module") == (0, CURRENT)
    assert machine.says("driver")[1] == (
        f"nouveau holds the GPU at 0000:01:00.0 until the machine is restarted; then driver {CURRENT} has it"
    )
    assert machine.says("load")[0] == 2
    machine.node.store.reboot()
    assert machine.says("driver", CURRENT) == (0, f"driver {CURRENT} is loaded")
    assert machine.says("load", "persistence") == (0, "nvidia-uvm is loaded")
    assert machine.says("persistence") == (0, "persistence mode is on")
    assert machine.says("toolkit") == (0, "toolkit 1.20.0")
    assert machine.smoke() == ""


def test_an_upgrade_under_a_running_driver_is_named_and_a_restart_heals_it(machine: Machine) -> None:
    """Unattended: nothing computes from then on, until kernel and library are of one version again."""
    machine.knobs.install(*machine.files(NEWER))
    code, said = machine.says("driver", CURRENT)
    assert (code, said.startswith(f"the driver is {CURRENT}, its library {NEWER}: user space was replaced under")) == (
        2,
        True,
    )
    assert f"reboot: driver {NEWER} lies on the disk" in said
    assert "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)" in machine.smoke()
    assert machine.says("devices", "2")[1] == "nvidia-smi cannot work: Driver/library version mismatch; reboot"
    machine.node.store.reboot()
    assert machine.says("driver", CURRENT) == (0, f"driver {NEWER} is loaded ({CURRENT} is declared)")
    machine.says("load")
    assert machine.smoke() == ""


def test_a_build_that_fails_leaves_what_runs_as_it_is(machine: Machine) -> None:
    """The package is half-configured and dpkg says so; the loaded driver goes on. Repaired, it is configured."""
    machine.knobs.dkms(builds=False)
    with pytest.raises(StepFailed) as failed:
        machine.knobs.install(*machine.files(CURRENT))
    assert any("Bad return status for module build" in line or "dkms" in line for line in failed.value.details)
    assert "half" in machine.node.sh("dpkg --audit")
    assert machine.node.sh("cat /sys/module/nvidia/version") == NEWER
    machine.knobs.dkms(builds=True)
    machine.node.sh("dpkg --configure -a", seconds=120)
    assert machine.node.sh("dpkg --audit") == ""
    assert machine.says("module") == (0, CURRENT)


def test_secure_boot_refuses_a_key_that_it_does_not_know(machine: Machine) -> None:
    """Named at the first try and from then on; with the key enrolled the same module is loaded by the boot."""
    machine.knobs.secure_boot("on")
    machine.node.store.reboot()
    assert machine.says("secureboot")[1].startswith("on: ")
    code, said = machine.says("driver")
    assert (code, said.startswith(f"Secure Boot refuses the module of driver {CURRENT}")) == (2, True), said
    assert machine.says("load") == (2, said)
    machine.knobs.secure_boot("enrolled")
    machine.node.store.reboot()
    assert machine.says("driver", CURRENT) == (0, f"driver {CURRENT} is loaded")
    machine.says("load")
    assert machine.smoke() == ""
