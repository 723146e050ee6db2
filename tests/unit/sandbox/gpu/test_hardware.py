"""The pretend GPUs lie on a node as plain files, and their programs say what the product's probes know how to read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from edgectl.node.gpu import facts
from edgectl.sandbox.gpu.hardware import LIBRARY, hardware
from edgectl.sandbox.gpu.knobs import NAMES, Knobs, uuid
from edgectl.sandbox.machine.command import Completed
from edgectl.wire.errors import InvalidInput
from tests.unit.sandbox.gpu.machine import Node

if TYPE_CHECKING:
    from edgectl.sandbox.machine.store import SandboxStore

QUERY = (
    "index,uuid,pci.bus_id,name,driver_version,memory.total,temperature.gpu,pstate,"
    "ecc.errors.uncorrected.volatile.total,{0}.hw_slowdown,{0}.hw_thermal_slowdown,{0}.sw_thermal_slowdown,"
    "mig.mode.current"
)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node with two GPUs, before its driver is up."""
    return Node(tmp_path, 2)


def test_a_node_without_gpus_has_none_of_it() -> None:
    """Neither a driver nor the runtime that k3s would find."""
    assert hardware(0) == ()


def test_programs_can_be_run_and_the_library_is_read() -> None:
    """Modes, and where the driver's unit looks for the library."""
    modes = {file.path: file.mode for file in hardware(1, Path(__file__))}
    assert all(modes[path] == 0o755 for path in modes if "bin/" in path)
    assert modes[LIBRARY] == 0o644
    assert LIBRARY not in {file.path for file in hardware(1)}


@pytest.mark.programs("a shell script is tested by a shell")
def test_the_driver_brings_devices_and_library(node: Node) -> None:
    """nvidia-uvm is not among them: as on a real machine somebody has to ask for it."""
    linked = node.root / "usr/lib/x86_64-linux-gnu/libcuda.so.1"
    node.driver("boot")
    assert node.devices == {"nvidia0", "nvidia1", "nvidiactl"}
    assert linked.read_bytes() == b"\x7fELF"
    assert node.run("usr/bin/nvidia-modprobe", "-u", "-c", "0")[0] == 0
    assert {"nvidia-uvm", "nvidia-uvm-tools"} < node.devices
    node.driver("unload")
    assert node.devices == set()
    assert not linked.exists()
    assert node.run("usr/bin/nvidia-modprobe", "-u")[0] == 1


@pytest.mark.programs("a shell script is tested by a shell")
def test_knobs_of_the_driver(node: Node) -> None:
    """Never loaded; another number of GPUs; no library; no uvm."""
    node.knob("driver", "absent\n")
    node.driver("boot")
    assert node.devices == set()
    node.driver("load")
    node.knob("hardware", "1\n")
    node.knob("cuda", "0 wrong\nlibrary absent\n")
    node.driver("refresh")
    assert node.devices == {"nvidia0", "nvidiactl"}
    assert not (node.root / "usr/lib/x86_64-linux-gnu/libcuda.so.1").exists()
    node.knob("uvm", "missing\n")
    assert node.run("usr/bin/nvidia-modprobe", "-u", "-c", "0")[0] == 1
    assert "nvidia-uvm" not in node.devices


@pytest.mark.programs("a shell script is tested by a shell")
def test_nvidia_smi_and_its_library(node: Node) -> None:
    """Without a library: exit 12; with another one than the kernel's: exit 18 and the words that everybody knows."""
    node.driver("boot")
    library = node.root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.595.91.07"
    library.touch()
    library.with_name("libnvidia-ml.so.1").symlink_to(library.name)
    mismatch = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 595.91\n"
    assert node.run("usr/bin/nvidia-smi", "-L") == (18, mismatch)
    library.unlink()
    (node.root / "usr/lib/sandbox-gpu/built-in-driver").unlink()
    code, said = node.run("usr/bin/nvidia-smi", "-L")
    assert (code, said.startswith("NVIDIA-SMI couldn't find libnvidia-ml.so library")) == (12, True)


@pytest.mark.programs("a shell script is tested by a shell")
def test_persistence_mode_is_set(node: Node) -> None:
    """And read back, until the driver goes."""
    node.driver("boot")
    asked = ("--query-gpu=persistence_mode", "--format=csv,noheader")
    assert node.run("usr/bin/nvidia-smi", *asked)[1] == "Disabled\nDisabled\n"
    assert node.run("usr/bin/nvidia-smi", "-pm", "1") == (0, "All done.\n")
    assert node.run("usr/bin/nvidia-smi", *asked)[1] == "Enabled\nEnabled\n"
    assert node.run("usr/bin/nvidia-smi", "-pm", "0")[0] == 0
    assert node.run("usr/bin/nvidia-smi", *asked)[1] == "Disabled\nDisabled\n"


@pytest.mark.programs("a shell script is tested by a shell")
def test_nvidia_smi_fails_as_the_real_one_does(node: Node) -> None:
    """Without a driver: exit 9 and its sentence; without GPUs: exit 6; an unknown field: exit 2."""
    code, said = node.run("usr/bin/nvidia-smi", "-L")
    assert (code, said.startswith("NVIDIA-SMI has failed because it couldn't communicate")) == (9, True)
    node.driver("boot")
    code, said = node.run("usr/bin/nvidia-smi", "--query-gpu=index,nonsense", "--format=csv")
    assert (code, said) == (2, 'Field "nonsense" is not a valid field to query.\n\n')
    node.knob("hardware", "0\n")
    assert node.run("usr/bin/nvidia-smi", "-L") == (6, "No devices were found\n")


@pytest.mark.programs("a shell script is tested by a shell")
def test_nvidia_smi_says_what_its_knobs_say(node: Node) -> None:
    """Lists and rows that the product reads, by the old names and the new ones."""
    node.driver("boot")
    code, said = node.run("usr/bin/nvidia-smi", "-L")
    assert code == 0
    assert [gpu.uuid for gpu in facts.listed(said)] == [uuid(0), uuid(1)]
    node.knob("health", "0 temperature.gpu 93\n1 clocks_throttle_reasons.hw_slowdown Active\n1 name Tesla T4 of 2019\n")
    for names in ("clocks_event_reasons", "clocks_throttle_reasons"):
        asked = (f"--query-gpu={QUERY.format(names)}", "--format=csv,noheader,nounits")
        rows = facts.health(node.run("usr/bin/nvidia-smi", *asked)[1])
        assert [(gpu.celsius, gpu.slowed, gpu.name, gpu.memory_mib) for gpu in rows] == [
            (93, (), "Tesla T4", 15360),
            (45, ("hw",), "Tesla T4 of 2019", 15360),
        ]
        assert [gpu.address for gpu in rows] == ["0000:01:00", "0000:02:00"]
    code, said = node.run("usr/bin/nvidia-smi", "--query-gpu=index,memory.total", "--format=csv")
    assert said == "index, memory.total\n0, 15360 MiB\n1, 15360 MiB\n"


@pytest.mark.programs("a shell script is tested by a shell")
def test_the_kernel_says_more_where_a_knob_says_it(node: Node) -> None:
    """Behind its own lines."""
    assert node.run("usr/local/bin/dmesg")[1] == "[    0.000000] Linux version 6.1\n"
    node.knob("kernel-log", "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n")
    said = node.run("usr/local/bin/dmesg")[1].splitlines()
    assert said[1] == "[   99.000000] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."


class Store:
    """Takes what is run on a node of a store, and runs it on a folder."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ran: list[str] = []

    def execute(self, name: str, argv: list[str], *, stdin: str = "", **_: Any) -> Completed:
        """Run a script."""
        assert name == "node-2"
        self.ran.append(argv[2])
        script = argv[2].replace("/etc/", f"{self.node.root}/etc/").replace("/usr/lib/", f"{self.node.root}/usr/lib/")
        ran = subprocess.run(
            ["/bin/sh", "-c", script],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env=os.environ,
        )
        return Completed(tuple(argv), ran.returncode, ran.stdout, ran.stderr, 0.0)


@pytest.mark.programs("a shell script is tested by a shell")
def test_knobs_are_turned_from_python(node: Node) -> None:
    """Each verb leaves the text that plugin, driver and library read; clear makes all of it well again."""
    knobs = Knobs(cast("SandboxStore", Store(node)), "node-2")
    node.driver("boot")
    knobs.driver_after(7.5)
    assert knobs.get("driver") == "7.5"
    knobs.driver_after(None)
    knobs.uvm(loads=False)
    knobs.plugin_delay(20)
    knobs.unhealthy(0, 1)
    knobs.cuda({1: "hang", 0: "wrong"}, library=False)
    knobs.health({(1, "temperature.gpu"): 93})
    knobs.xid(0, 48, "DBE")
    knobs.xid(1, 79, "GPU is lost")
    knobs.secure_boot("on")
    knobs.nouveau(there=False)
    knobs.dkms(builds=False)
    knobs.gpus(1)
    assert node.devices == {"nvidia0", "nvidiactl"}
    texts = {
        "driver": "absent",
        "uvm": "missing",
        "delay": "20",
        "unhealthy": "0,1",
        "cuda": "0 wrong\n1 hang\nlibrary absent",
        "health": "1 temperature.gpu 93",
        "kernel-log": "NVRM: Xid (PCI:0000:01:00): 48, DBE\nNVRM: Xid (PCI:0000:02:00): 79, GPU is lost",
        "secure-boot": "on",
        "nouveau": "absent",
        "dkms": "fails",
        "hardware": "1",
        "count": "1",
    }
    assert set(texts) == set(NAMES)
    assert {name: knobs.get(name) for name in NAMES} == texts
    knobs.unhealthy(every=True)
    assert knobs.get("unhealthy") == "all"
    knobs.clear()
    assert {name: knobs.get(name) for name in NAMES} == {**dict.fromkeys(NAMES, ""), "count": "2"}
    assert "nvidia1" in node.devices


def test_an_unknown_knob_is_refused(node: Node) -> None:
    """A typing error would else be a default."""
    with pytest.raises(InvalidInput, match="'temperature' is no knob"):
        Knobs(cast("SandboxStore", Store(node)), "node-2").set("temperature", "93")
