"""The GPU's shell probes, run on a folder with stand-ins for NVIDIA's programs: what each says, and its exit code."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.node.gpu import facts
from tests.unit.node.fake import CASES
from tests.unit.node.gpu.machine import Machine

pytestmark = pytest.mark.programs("a shell script is tested by a shell")

OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  555.42.06  Release Build  (abuild@host)  "
    "Thu Jul 11 12:00:00 UTC 2024\nGCC version:  gcc version 7.5.0 (SUSE Linux) \n"
)
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  515.65.01  Wed Mar 16 11:24:05 UTC 2022\n"
NOT_LOADED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
    "driver is installed and running.\n\n"
)
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.195\n"


def table(name: str) -> list[Any]:
    """Return one table of real outputs."""
    rows = yaml.safe_load((CASES / "gpu" / f"{name}.yaml").read_text())
    assert isinstance(rows, list)
    return [pytest.param(row, id=row["name"]) for row in rows]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine without anything of NVIDIA."""
    return Machine(tmp_path)


def card(machine: Machine, address: str = "0000:01:00.0", *, kind: str = "0x030200", driver: str = "") -> None:
    """Put a PCI device of NVIDIA into the machine."""
    place = f"sys/bus/pci/devices/{address}"
    machine.file(f"{place}/vendor", "0x10de\n")
    machine.file(f"{place}/class", f"{kind}\n")
    if driver:
        (machine.root / place / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        (OPEN, (), "driver 555.42.06 is loaded"),
        (CLOSED, (), "driver 515.65.01 is loaded"),
        (CLOSED, ("",), "driver 515.65.01 is loaded"),
        (CLOSED, ("515.65.01",), "driver 515.65.01 is loaded"),
        (CLOSED, ("515.65",), "driver 515.65.01 is loaded"),
        (CLOSED, ("515.6",), "driver 515.65.01 is loaded (515.6 is declared)"),
        (OPEN, ("570.86.15",), "driver 555.42.06 is loaded (570.86.15 is declared)"),
        ("NVRM version: ???\n", ("570.86.15",), "a driver is loaded; what it says of its version is not understood"),
    ],
)
def test_the_kernel_says_which_driver(machine: Machine, text: str, arguments: tuple[str, ...], says: str) -> None:
    """Without nvidia-smi, which takes seconds; another version than the declared one is said and is ready."""
    machine.file("proc/driver/nvidia/version", text)
    machine.program("nvidia-smi", script="exit 99")
    assert machine.run("driver.sh", arguments) == (0, [says])


@pytest.mark.parametrize(("library", "code"), [("555.42.06", 0), ("570.195.03", 2), ("1", 0), ("", 0)])
def test_user_space_must_fit_the_kernel(machine: Machine, library: str, code: int) -> None:
    """An unattended upgrade has replaced the libraries: never, until a reboot. Unknown libraries are not judged."""
    machine.file("proc/driver/nvidia/version", OPEN)
    if library:
        folder = machine.file(f"lib/libnvidia-ml.so.{library}").parent
        if library != "1":
            (folder / "libnvidia-ml.so.1").symlink_to(f"libnvidia-ml.so.{library}")
        machine.program("ldconfig", "\tlibnvidia-ml.so.1 (libc6,x86-64) => /lib/libnvidia-ml.so.1\n")
    found, said = machine.run("driver.sh")
    assert found == code
    if code:
        assert said[0].startswith("the driver is 555.42.06, its library 570.195.03: user space was replaced")
        assert "reboot" in said[0]


@pytest.mark.parametrize(
    ("told", "exit_code", "code", "says"),
    [
        ("580.95.05\n580.95.05\n", 0, 0, "driver 580.95.05 is loaded (570.86.15 is declared)"),
        (NOT_LOADED, 9, 1, "the driver is not loaded, and no NVIDIA GPU is on the PCI bus"),
        (MISMATCH, 18, 2, "Driver/library version mismatch: user space was replaced under a running driver; reboot"),
        ("No devices were found\n", 6, 1, "the driver is loaded and finds no GPU"),
        ("Segmentation fault\n", 139, 1, "nvidia-smi failed (exit 139): Segmentation fault"),
        ("", 124, 1, "nvidia-smi does not answer"),
    ],
)
def test_where_the_kernel_does_not_say_it_nvidia_smi_is_asked(
    machine: Machine, told: str, exit_code: int, code: int, says: str
) -> None:
    """A device file stays when the driver goes: alone it proves nothing."""
    machine.file("dev/nvidiactl")
    machine.program("nvidia-smi", told, code=exit_code)
    found, (said,) = machine.run("driver.sh", ["570.86.15"])
    assert (found, said.startswith(says)) == (code, True), said


def test_no_driver_says_what_is_on_the_bus(machine: Machine) -> None:
    """Not yet, with the next thing to do: nothing there, not loaded, held by nouveau; a sound card is no GPU."""
    assert machine.run("driver.sh")[1][0].endswith("no NVIDIA GPU is on the PCI bus: reseat the card and its power")
    card(machine, "0000:01:00.1", kind="0x040300")
    assert "no NVIDIA GPU" in machine.run("driver.sh")[1][0]
    card(machine)
    card(machine, "0000:02:00.0", kind="0x030000")
    code, (said,) = machine.run("driver.sh")
    assert (code, "GPUs on the PCI bus: 2. Try modprobe nvidia" in said) == (1, True), said
    card(machine, "0000:03:00.0", driver="nouveau")
    code, (said,) = machine.run("driver.sh")
    assert (code, said.startswith("nouveau holds the GPU at 0000:03:00.0")) == (2, True), said


def test_uvm_is_there_or_its_remedy_is_said(machine: Machine) -> None:
    """Not yet, and how it is loaded."""
    assert machine.run("uvm.sh") == (1, ["/dev/nvidia-uvm is missing, nothing can compute: nvidia-modprobe -u -c 0"])
    machine.file("dev/nvidia-uvm")
    assert machine.run("uvm.sh") == (0, ["nvidia-uvm is there"])


def test_uvm_is_loaded_by_nvidias_own_program_first(machine: Machine) -> None:
    """And not again where it is there."""
    machine.program(
        "nvidia-modprobe", script=f'echo "$@" >> "{machine.root}/asked"; : > "{machine.root}/dev/nvidia-uvm"'
    )
    machine.file("dev/nvidiactl")
    assert machine.run("load.sh") == (0, ["nvidia-uvm is loaded"])
    assert machine.run("load.sh") == (0, ["nvidia-uvm is there"])
    assert (machine.root / "asked").read_text() == "-u -c 0\n"


def test_without_it_uvm_is_loaded_by_hand(machine: Machine) -> None:
    """Module, major number from /proc/devices, device files: as NVIDIA's guide says."""
    machine.program("modprobe", script='[ "$1" = nvidia-uvm ]')
    machine.program("mknod", script=f'echo "$@" >> "{machine.root}/made"; : > "$3"')
    machine.file("proc/devices", "Character devices:\n195 nvidia-frontend\n510 nvidia-uvm\n")
    machine.file("dev/nvidiactl")
    assert machine.run("load.sh") == (0, ["nvidia-uvm is loaded"])
    dev = machine.root / "dev"
    made = [f"-m 666 {dev}/nvidia-uvm c 510 0", f"-m 666 {dev}/nvidia-uvm-tools c 510 1"]
    assert (machine.root / "made").read_text().splitlines() == made


def test_a_uvm_that_cannot_be_loaded_is_said(machine: Machine) -> None:
    """With modprobe's own words."""
    machine.program("nvidia-modprobe", code=1)
    machine.program("modprobe", script='echo "modprobe: FATAL: Module nvidia-uvm not found." >&2; exit 1')
    code, (said,) = machine.run("load.sh")
    assert code == 2
    assert said.startswith("nvidia-uvm cannot be loaded: modprobe: FATAL: Module nvidia-uvm not found.; see dmesg")


CONFIG = "var/lib/rancher/k3s/agent/etc/containerd/config.toml"
KNOWS = "[plugins.x.runtimes.'nvidia'.options]\n  BinaryName = \"/usr/bin/nvidia-container-runtime\"\n"


@pytest.mark.parametrize(
    ("version", "declared", "says"),
    [
        ("1.20.0", "", "toolkit 1.20.0"),
        ("1.18.0", "1.18.0", "toolkit 1.18.0"),
        ("1.20.0", "1.17.4", "toolkit 1.20.0 (1.17.4 is declared)"),
        (
            "1.17.8",
            "",
            "toolkit 1.17.8, older than 1.18: a systemctl daemon-reload takes the GPUs from running containers",
        ),
        (
            "1.9.0",
            "1.9",
            "toolkit 1.9.0, older than 1.18: a systemctl daemon-reload takes the GPUs from running containers",
        ),
        ("1.18.0~rc.1", "", "toolkit 1.18.0"),
        ("", "1.17.4", "toolkit of unknown version at "),
    ],
)
def test_the_toolkit_and_its_version(machine: Machine, version: str, declared: str, says: str) -> None:
    """Old ones lose GPUs at a daemon-reload; another one than declared is said and is ready."""
    out = (
        f"NVIDIA Container Runtime version {version}\ncommit: 670+d9de4a0\nspec: 1.2.0\n"
        if version
        else "runc version 1\n"
    )
    machine.program("nvidia-container-runtime", out)
    code, (said,) = machine.run("toolkit.sh", [declared])
    assert (code, said.startswith(says)) == (0, True), said
    assert version == "" or said == says


def test_no_toolkit_is_never(machine: Machine) -> None:
    """Nothing installs it but a person; the place of the GPU operator counts, too."""
    code, (said,) = machine.run("toolkit.sh")
    assert (code, said.startswith("nvidia-container-runtime is not installed")) == (2, True)
    machine.file("usr/local/nvidia/toolkit/nvidia-container-runtime", "#!/bin/sh\n", mode=0o755)
    assert machine.run("toolkit.sh")[0] == 0


@pytest.mark.parametrize(
    ("running", "config", "later", "code"),
    [
        ("k3s.service", "", True, 1),
        ("k3s-agent.service", "", True, 1),
        ("k3s.service", "", False, 2),
        ("k3s.service", KNOWS, True, 0),
        ("none", "", True, 0),
        ("none", KNOWS, False, 0),
    ],
)
def test_a_toolkit_that_came_after_k3s_asks_for_one_restart(
    machine: Machine,
    running: str,
    config: str,
    later: bool,  # noqa: FBT001
    code: int,
) -> None:
    """Only a k3s that runs can have missed it, and only one that started before: a second restart would not help."""
    machine.program("nvidia-container-runtime", "NVIDIA Container Runtime version 1.20.0\n")
    machine.program("systemctl", script=f'[ "$3" = {running} ]')
    written = machine.file(CONFIG, f"version = 3\n{config}")
    hour = 3600 if later else -3600
    os.utime(written, (time.time() - hour, time.time() - hour))
    found, (said,) = machine.run("toolkit.sh")
    assert found == code, said
    assert ("k3s needs one restart" in said, "has not found it at" in said) == (code == 1, code == 2)


@pytest.mark.parametrize("row", table("listed"))
def test_what_is_listed_against_what_is_declared(machine: Machine, row: dict[str, Any]) -> None:
    """Real outputs: fewer is not yet, an nvidia-smi that cannot work is never, MIG devices are no GPUs."""
    machine.program("nvidia-smi", row["told"], code=row.get("exit", 0))
    code, said = machine.run("devices.sh", row["asked"])
    assert (code, said[0]) == (row["code"], row["says"])
    assert {gpu.uuid: len(gpu.shares) for gpu in facts.listed("\n".join(said))} == row["gpus"]


@pytest.mark.parametrize("row", table("xids"))
@pytest.mark.parametrize("source", ["dmesg", "journalctl", "both"])
def test_what_the_kernel_has_said(machine: Machine, row: dict[str, Any], source: str) -> None:
    """Real lines, from the journal or the kernel's own ring, told once; only what a GPU does not survive is never."""
    for program in ("dmesg", "journalctl"):
        if source in {program, "both"}:
            machine.program(program, row["log"])
    code, said = machine.run("xid.sh")
    assert (code, said) == (row["code"], [row["says"], *row["rows"]])
    found = [xid for xids in facts.xids("\n".join(said)).values() for xid in xids]
    assert len(found) == len(row["rows"])
    assert any(xid.fatal for xid in found) == bool(code)


@pytest.mark.parametrize("row", table("health"))
def test_how_the_gpus_are(machine: Machine, row: dict[str, Any]) -> None:
    """Real rows of several drivers, asked by the names that each knows."""
    machine.program("answer", row["told"])
    unknown = [name for name in ("clocks_event_reasons", "clocks_throttle_reasons") if name != row["knows"]]
    unknown += ["mig.mode.current"] if row.get("before_mig") else []
    refuses = "".join(
        f'case "$*" in *{name}*) printf \'Field "%s" is not a valid field to query.\\n\\n\' {name}; exit 2 ;; esac\n'
        for name in unknown
    )
    answer = f'cat "{machine.programs}/answer.out"\nexit {row.get("exit", 0)}\n'
    machine.program("nvidia-smi", script=refuses + answer)
    code, said = machine.run("health.sh")
    assert (code, said[0]) == (row["code"], row["says"])
    seen = [
        {key: getattr(gpu, key) for key in want}
        for gpu, want in zip(facts.health("\n".join(said)), row["gpus"], strict=True)
    ]
    assert [{**gpu, "slowed": list(gpu["slowed"])} for gpu in seen] == row["gpus"]


@pytest.mark.parametrize("script", ["health.sh", "devices.sh"])
def test_without_nvidia_smi_nothing_is_known(machine: Machine, script: str) -> None:
    """Never fine."""
    code, said = machine.run(script)
    assert code != 0
    assert said == ["nvidia-smi is not installed"]


def test_an_nvidia_smi_that_hangs_is_ended(machine: Machine) -> None:
    """A dying GPU holds nvidia-smi for ever; the probe answers all the same."""
    machine.program("timeout", script="exit 124")  # what it says of a program that ran out of its time
    machine.program("nvidia-smi", "never reached")
    machine.file("dev/nvidiactl")
    assert machine.run("health.sh")[0] == 1
    assert machine.run("devices.sh")[0] == 2
    assert machine.run("driver.sh")[0] == 1
