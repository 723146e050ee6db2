"""reboot.sh on a folder with stand-ins: what it says, and its exit code. It asks for a restart only where one helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node.reboot.step import SCRIPT
from tests.unit.node.gpu.machine import Machine

pytestmark = pytest.mark.programs("a shell script is tested by a shell")

PROC = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  515.65.01  Wed Mar 16 11:24:05 UTC 2022\n"
NONE = "no restart is needed"
BLACKLIST = "# nouveau is away\nblacklist nouveau\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine whose kernel has no module of NVIDIA on the disk."""
    found = Machine(tmp_path)
    found.program("modinfo", "", code=1)
    return found


def asks(machine: Machine, *words: str) -> tuple[int, str]:
    """Run it; returns the exit code and its one line."""
    code, (line,) = machine.run(SCRIPT, words)
    return code, line


def test_a_bare_machine_needs_none(machine: Machine) -> None:
    """With and without declared packages, and without any argument."""
    assert asks(machine) == asks(machine, "-") == asks(machine, "nvidia", "nvidia-driver") == (0, NONE)


@pytest.mark.parametrize(("loaded", "there", "code"), [("550.1", "560.2", 1), ("550.1", "550.1", 0), ("550.1", "", 0)])
def test_the_loaded_driver_is_held_against_the_one_on_the_disk(
    machine: Machine, loaded: str, there: str, code: int
) -> None:
    """Another version needs a restart; the same, or none for this kernel (which a restart would leave without), not."""
    machine.file("sys/module/nvidia/version", f"{loaded}\n")
    machine.program("modinfo", f"{there}\n" if there else "", code=0 if there else 1)
    found, line = asks(machine, "nvidia")
    assert found == code
    assert line == (f"driver: the kernel runs NVIDIA {loaded}, {there} is installed" if code else NONE)


def test_an_older_kernel_module_says_its_version_in_proc(machine: Machine) -> None:
    """Where /sys has none."""
    machine.file("proc/driver/nvidia/version", PROC)
    machine.program("modinfo", "550.1\n")
    assert asks(machine) == (1, "driver: the kernel runs NVIDIA 515.65.01, 550.1 is installed")


def test_a_module_that_is_not_loaded_needs_no_restart(machine: Machine) -> None:
    """It can be loaded as it is."""
    machine.program("modinfo", "560.2\n")
    assert asks(machine, "nvidia") == (0, NONE)


def test_a_kernel_that_is_gone_from_the_disk_is_left(machine: Machine) -> None:
    """Law: dpkg says that its package was removed, no module can be loaded any more, and another one is there to start.

    A kernel of no package (started over the network, built by hand, the host's) has no folder either, and is left
    alone. Seeded: no question to dpkg; also where there is no other one; also where its modules are there.
    """
    machine.program("uname", "6.1.0-40-amd64\n")
    machine.program("dpkg-query", "config-files")
    assert asks(machine, "-", "linux-image-amd64") == (0, NONE), "there is no other one"
    machine.file("boot/vmlinuz-6.1.0-39-amd64")
    gone = (1, "kernel: 6.1.0-40-amd64 runs, its package was removed, and 6.1.0-39-amd64 is there")
    assert asks(machine) == asks(machine, "nvidia", "nvidia-driver") == gone
    machine.program("dpkg-query", "", code=1)
    assert asks(machine) == (0, NONE), "it never was a package's"
    machine.program("dpkg-query", "installed")
    assert asks(machine) == (0, NONE), "a kernel whose modules are all built in"
    machine.program("dpkg-query", "config-files")
    machine.file("lib/modules/6.1.0-40-amd64/updates/dkms/nvidia.ko")
    assert asks(machine) == gone, "what was built for it is left"
    machine.file("lib/modules/6.1.0-40-amd64/kernel/fs/ext4.ko")
    assert asks(machine) == (0, NONE)


def test_nouveau_goes_with_a_restart(machine: Machine) -> None:
    """Where NVIDIA's packages are declared, something keeps nouveau from the next boot, and NVIDIA is not loaded."""
    machine.file("sys/module/nouveau/refcnt", "1\n")
    assert asks(machine, "-") == (0, NONE)
    code, line = asks(machine, "nvidia")
    assert (code, "declare a file in /etc/modprobe.d" in line) == (2, True)
    machine.file("usr/lib/modprobe.d/nvidia.conf", BLACKLIST)
    assert asks(machine, "nvidia") == (1, "nouveau: it is loaded in place of NVIDIA's driver")
    machine.file("sys/module/nvidia/version", "560.2\n")
    assert asks(machine, "nvidia") == (0, NONE)


def test_a_commented_line_keeps_nouveau_from_nothing(machine: Machine) -> None:
    """A restart would bring it back: that is said, and none is made."""
    machine.file("sys/module/nouveau/refcnt", "1\n")
    machine.file("etc/modprobe.d/mine.conf", "# blacklist nouveau\nblacklist nouveau_other\n")
    assert asks(machine, "nvidia")[0] == 2


@pytest.mark.parametrize(
    ("names", "ours", "code", "says"),
    [
        ("libc6\nmine\nmine\n", ("mine",), 1, "packages: mine"),
        ("b\na\n", ("a", "b", "c"), 1, "packages: a, b"),
        ("libc6\n", ("mine",), 0, "no restart is needed for what is declared; libc6 would like one"),
        (None, ("mine",), 0, "no restart is needed for what is declared; somebody would like one"),
        ("mine-too\n", ("mine",), 0, "no restart is needed for what is declared; mine-too would like one"),
    ],
)
def test_only_what_is_ours_restarts_the_machine(
    machine: Machine, names: str | None, ours: tuple[str, ...], code: int, says: str
) -> None:
    """What others wish for is said, no more."""
    machine.file("run/reboot-required", "*** System restart required ***\n")
    if names is not None:
        machine.file("run/reboot-required.pkgs", names)
    assert asks(machine, "-", *ours) == (code, says)


def test_a_list_of_packages_alone_is_no_wish(machine: Machine) -> None:
    """The file that counts is reboot-required."""
    machine.file("run/reboot-required.pkgs", "mine\n")
    assert asks(machine, "-", "mine") == (0, NONE)
