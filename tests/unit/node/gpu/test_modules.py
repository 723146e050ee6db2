"""Why a driver is not loaded, and what loads it: the scripts on a folder with stand-ins for kmod and the kernel."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from edgectl.node.gpu.boot import LOADABLE
from tests.unit.node.gpu.machine import SCRIPTS, Machine

pytestmark = pytest.mark.programs("a shell script is tested by a shell")

KERNEL = os.uname().release
LOADED = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@host)\n"
REFUSED = "[   12.000000] Loading of module with unavailable key is rejected\n"
SECURE = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SHIM = "sys/firmware/efi/efivars/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23"
KEY = "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with one GPU on its bus, and nothing of a driver."""
    machine = Machine(tmp_path)
    machine.file("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    machine.file("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n")
    return machine


def module(machine: Machine, version: str = "580.95.05", *, name: str = "nvidia", age: float = 0) -> Path:
    """Put a driver onto the disk, as kmod then tells of it."""
    path = machine.file(f"lib/modules/{KERNEL}/updates/dkms/{name}.ko", "ELF")
    os.utime(path, (time.time() - age, time.time() - age))
    machine.program(
        "modinfo", script=f'case "$*" in *filename\\ {name}) echo "{path}" ;; *version\\ {name}) echo {version} ;; esac'
    )
    return path


def efi(machine: Machine, name: str, value: int) -> None:
    """Let the firmware hold a variable of one byte."""
    path = machine.file(name)
    path.write_bytes(bytes((6, 0, 0, 0, value)))


def nouveau(machine: Machine) -> None:
    """Let nouveau have the GPU."""
    (machine.root / "sys/bus/pci/devices/0000:01:00.0/driver").symlink_to("../../../../bus/pci/drivers/nouveau")


@pytest.mark.parametrize("name", ["nvidia", "nvidia-current", "nvidia-current-open"])
def test_a_module_on_the_disk_can_be_loaded(machine: Machine, name: str) -> None:
    """NVIDIA's name and Debian's; the step reads that load.sh can help."""
    module(machine, name=name)
    code, (said,) = machine.run("driver.sh", ["580.95.05"])
    assert (code, said) == (1, "driver 580.95.05 is installed and not loaded: modprobe nvidia")
    assert LOADABLE.match(said)


def test_a_technician_may_stand_in_the_scripts_folder(machine: Machine) -> None:
    """`sh driver.sh`: the others are found beside it."""
    module(machine)
    env = {"PATH": str(machine.programs), "EDGECTL_ROOT": str(machine.root)}
    ran = subprocess.run(
        ["/bin/sh", "driver.sh"], cwd=SCRIPTS, env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stderr, ran.stdout) == ("", "driver 580.95.05 is installed and not loaded: modprobe nvidia\n")


def test_without_a_module_nothing_can_be_loaded(machine: Machine) -> None:
    """The older sentence."""
    code, (said,) = machine.run("driver.sh")
    assert (code, said.startswith("the driver is not loaded; GPUs on the PCI bus: 1.")) == (1, True)
    assert not LOADABLE.match(said)


@pytest.mark.parametrize(
    ("driver", "blacklist", "says"),
    [
        (
            True,
            "blacklist nouveau",
            "nouveau holds the GPU at 0000:01:00.0 until the machine is restarted; then driver",
        ),
        (True, "# blacklist nouveau", "nouveau holds the GPU at 0000:01:00.0: install NVIDIA's driver, put"),
        (True, "blacklist nouveaux", "nouveau holds the GPU at 0000:01:00.0: install NVIDIA's driver, put"),
        (False, "blacklist nouveau", "nouveau holds the GPU at 0000:01:00.0: install NVIDIA's driver, put"),
    ],
)
def test_nouveau_goes_with_a_restart(machine: Machine, driver: bool, blacklist: str, says: str) -> None:  # noqa: FBT001
    """Once the driver lies there and nouveau is kept from the next boot; else that is what is missing."""
    if driver:
        module(machine)
    nouveau(machine)
    machine.file("etc/modprobe.d/nvidia.conf", f"{blacklist}\n")
    code, (said,) = machine.run("driver.sh")
    assert (code, said.startswith(says)) == (2, True), said
    assert not LOADABLE.match(said)


def test_a_driver_for_another_kernel_is_named(machine: Machine) -> None:
    """The kernel was upgraded, and DKMS could not build for it: both kernels, and how to."""
    machine.file("lib/modules/6.1.0-30-amd64/updates/dkms/nvidia.ko.xz")
    code, (said,) = machine.run("driver.sh")
    assert (code, said.startswith("the driver is built for the kernel 6.1.0-30-amd64, and ")) == (1, True)
    assert said.endswith(f"{KERNEL} runs: apt-get install linux-headers-{KERNEL}; dkms autoinstall -k {KERNEL}")


def test_a_driver_that_modprobe_does_not_know(machine: Machine) -> None:
    """It was built, and the list of modules is older."""
    machine.file(f"lib/modules/{KERNEL}/updates/dkms/nvidia.ko")
    assert machine.run("driver.sh")[1] == [
        f"the driver is built for the kernel {KERNEL}, and modprobe does not know it: depmod -a"
    ]


def test_a_driver_that_dkms_has_not_built_is_named(machine: Machine) -> None:
    """With the log of its failure."""
    machine.file("var/lib/dkms/nvidia/580.95.05/build/make.log")
    code, (said,) = machine.run("driver.sh")
    assert code == 1
    assert said.startswith(f"DKMS has not built driver 580.95.05 for the kernel {KERNEL}: see /var/lib/dkms/nvidia/580")


@pytest.mark.parametrize(
    ("variables", "word", "code"),
    [
        ({}, "none", 0),
        ({SECURE: 0}, "off", 0),
        ({SECURE: 1}, "on", 0),
        ({SECURE: 1, SHIM: 1}, "off", 0),
        ({SECURE: 1, SHIM: 0}, "on", 0),
        ({SHIM: 1}, "unknown", 1),
    ],
)
def test_secure_boot_by_the_firmwares_own_word(
    machine: Machine, variables: dict[str, int], word: str, code: int
) -> None:
    """Without UEFI there is none; a shim that does not check is as good as off."""
    for name, value in variables.items():
        efi(machine, name, value)
    found, (said,) = machine.run("secureboot.sh")
    assert (found, said.partition(":")[0]) == (code, word)


@pytest.mark.parametrize("said", [REFUSED, "Lockdown: modprobe: unsigned module loading is restricted; see man\n"])
def test_a_driver_that_secure_boot_has_refused_is_not_tried_again(machine: Machine, said: str) -> None:
    """Never in this boot: keys are read when the machine starts. With what to do, and the key where there is one."""
    module(machine)
    efi(machine, SECURE, 1)
    machine.program("dmesg", said)
    code, (first,) = machine.run("driver.sh")
    assert (code, first.startswith("Secure Boot refuses the module of driver 580.95.05, which is not signed")) == (
        2,
        True,
    )
    machine.file("var/lib/dkms/mok.pub")
    code, (second,) = machine.run("driver.sh")
    assert (code, "At the machine: mokutil --import /var/lib/dkms/mok.pub, reboot" in second) == (2, True)


def test_a_refusal_counts_only_under_secure_boot(machine: Machine) -> None:
    """Some other module's, on a machine without."""
    module(machine)
    machine.program("dmesg", REFUSED)
    assert machine.run("driver.sh")[0] == 1


def test_loading_it(machine: Machine) -> None:
    """The driver first, then nvidia-uvm by NVIDIA's own program; a second time does nothing."""
    module(machine)
    (machine.root / "dev").mkdir()
    version = machine.root / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    machine.program("modprobe", script=f'echo "$1" >> "{machine.root}/loaded"; echo "{LOADED.strip()}" > "{version}"')
    machine.program("nvidia-modprobe", script=f': > "{machine.root}/dev/nvidia-uvm"')
    assert machine.run("load.sh") == (0, ["nvidia-uvm is loaded"])
    assert machine.run("load.sh") == (0, ["nvidia-uvm is there"])
    assert (machine.root / "loaded").read_text() == "nvidia\n"


@pytest.mark.parametrize(
    ("words", "secure", "says"),
    [
        (KEY, 0, "Secure Boot refuses the module of driver 580.95.05"),
        ("modprobe: ERROR: could not insert 'nvidia': Required key not available", 0, "Secure Boot refuses"),
        ("modprobe: ERROR: could not insert 'nvidia': Operation not permitted", 1, "Secure Boot refuses"),
        (
            "modprobe: ERROR: could not insert 'nvidia': Operation not permitted",
            0,
            "driver 580.95.05 cannot be loaded: modprobe: ERROR: could not insert 'nvidia': Operation not permitted",
        ),
        (
            "modprobe: ERROR: could not insert 'nvidia': Exec format error",
            1,
            "driver 580.95.05 cannot be loaded: modprobe: ERROR: could not insert 'nvidia': Exec format error",
        ),
        ("", 0, "driver 580.95.05 cannot be loaded: no word why; dmesg"),
    ],
)
def test_a_driver_that_is_not_let_in_is_said(machine: Machine, words: str, secure: int, says: str) -> None:
    """Never, and by whom."""
    module(machine)
    efi(machine, SECURE, secure)
    machine.program("modprobe", script=f"printf '%s' \"{words}\" >&2; exit 1")
    code, (said,) = machine.run("load.sh")
    assert (code, said.startswith(says)) == (2, True), said


@pytest.mark.parametrize(("age", "words"), [(3600, ", 595.91.07 comes with the next boot"), (-3600, "")])
def test_a_driver_that_was_replaced_on_the_disk_is_said(machine: Machine, age: float, words: str) -> None:
    """The one that runs goes on. What lay there before is not read: it is large."""
    machine.file("proc/driver/nvidia/version", LOADED)
    made = machine.file("dev/nvidiactl")
    os.utime(made, (time.time() - age, time.time() - age))
    module(machine, "595.91.07")
    assert machine.run("driver.sh") == (0, [f"driver 580.95.05 is loaded{words}"])
    assert machine.run("driver.sh", ["595.91.07"]) == (
        0,
        [f"driver 580.95.05 is loaded{words} (595.91.07 is declared)"],
    )


@pytest.mark.parametrize(
    ("on_disk", "says"),
    [("595.91.07", "reboot: driver 595.91.07 lies on the disk, and hold"), ("580.95.05", "reboot, or")],
)
def test_an_upgrade_under_a_running_driver(machine: Machine, on_disk: str, says: str) -> None:
    """Never; and whether a restart alone brings kernel and library together."""
    machine.file("proc/driver/nvidia/version", LOADED)
    folder = machine.file("lib/libnvidia-ml.so.595.91.07").parent
    (folder / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.595.91.07")
    machine.program("ldconfig", "\tlibnvidia-ml.so.1 (libc6,x86-64) => /lib/libnvidia-ml.so.1\n")
    module(machine, on_disk)
    code, (said,) = machine.run("driver.sh")
    assert (code, f"user space was replaced under a running driver; {says}" in said) == (2, True), said


def test_persistence_is_set_and_seen(machine: Machine) -> None:
    """By the daemon where it is installed, and by nvidia-smi."""
    machine.file("dev/nvidia-uvm")
    machine.program("systemctl", script=f'echo "$*" >> "{machine.root}/systemctl"')
    state = machine.file("state", "Disabled\n")
    machine.program("nvidia-smi", script=f'[ "$1" = -pm ] && echo Enabled > "{state}" && exit 0; cat "{state}"')
    assert machine.run("persistence.sh") == (1, ["persistence mode is off: nvidia-smi -pm 1"])
    assert machine.run("load.sh") == (0, ["nvidia-uvm is there"])
    assert state.read_text() == "Disabled\n"
    assert machine.run("load.sh", ["persistence"]) == (0, ["nvidia-uvm is there"])
    assert machine.run("persistence.sh") == (0, ["persistence mode is on"])
    assert (machine.root / "systemctl").read_text() == "start nvidia-persistenced.service\n"


def test_persistence_that_cannot_be_is_no_failure(machine: Machine) -> None:
    """It is said at each look, and not tried at each."""
    machine.file("dev/nvidia-uvm")
    machine.program(
        "nvidia-smi", script='[ "$1" != -pm ] || { echo "Unable to set persistence mode"; exit 1; }; echo Disabled'
    )
    assert machine.run("load.sh", ["persistence"])[0] == 0
    assert machine.run("persistence.sh") == (0, ["persistence mode cannot be set: Unable to set persistence mode"])
    machine.program("nvidia-smi", "Enabled\n")
    assert machine.run("load.sh", ["persistence"])[0] == 0
    assert machine.run("persistence.sh") == (0, ["persistence mode is on"])
