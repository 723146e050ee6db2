"""survey.sh on a machine in a folder: what it reads; a program that hangs costs its own deadline only."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgectl.node.survey import facts
from edgectl.node.survey.facts import Facts, parse
from edgectl.node.survey.looked import looked
from edgectl.wire.finding import OK, UNKNOWN
from edgectl.wire.survey import Declared
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.gpu.machine import Machine

SUBJECTS = {"system", "disk", "memory", "clock", "network", "names", "packages", "gpu"}
STATUS = """Package: vim
Status: install ok half-configured
Version: 9

Package: nvidia-dkms-580
Status: hold ok installed

Package: libnvidia-compute-580
Status: install ok installed

Package: gone
Status: deinstall ok config-files
"""
NEEDED = ("od", "tr", "timeout", "ls", "readlink", "uname", "cut", "sort", "dirname")


class Bare(Machine):
    """A machine whose programs are those that any Debian has."""

    scripts = facts.SCRIPT.parent

    def __init__(self, folder: Path) -> None:
        import shutil

        super().__init__(folder)
        for name in NEEDED:
            path = self.programs / name
            if (found := shutil.which(name)) and not path.exists():
                path.symlink_to(found)

    def read(self, *arguments: str) -> Facts:
        """Run it, and read its lines."""
        code, lines = self.run("survey.sh", arguments)
        assert code == 0
        return parse("\n".join(lines))


@pytest.fixture
def machine(tmp_path: Path) -> Bare:
    """Return a machine on which almost nothing is."""
    return Bare(tmp_path)


pytestmark = pytest.mark.programs("a shell script is tested by a shell")


def test_an_empty_machine_has_few_facts(machine: Bare) -> None:
    """Every subject comes to its end, with nothing made up."""
    seen = machine.read()
    assert seen.done == SUBJECTS
    assert set(seen.values) == {"arch", "kernel", "driver", "toolkit"}
    assert seen.one("driver").startswith("1 the driver is not loaded, and no NVIDIA GPU is on the PCI bus")
    assert seen.one("toolkit").startswith("2 nvidia-container-runtime is not installed")


def test_what_files_say(machine: Bare) -> None:
    """System, mounts, memory, clock, packages, cards and the firmware: each key as its judge reads it."""
    machine.file("etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    machine.file("sys/fs/cgroup/cgroup.controllers", "cpu")
    machine.file("sys/fs/selinux/enforce", "1")
    (machine.root / "run/systemd/system").mkdir(parents=True)
    machine.file("proc/swaps", "Filename Type Size\n/dev/sda3 partition 9\n")
    machine.file(
        "proc/self/mounts", "/dev/sda1 / ext4 ro,relatime 0 0\nproc /proc proc rw 0 0\nt /var/lib xfs rw 0 0\n"
    )
    machine.file("sys/devices/system/edac/mc/mc0/ce_count", "3\n")
    machine.file("sys/devices/system/edac/mc/mc0/ue_count", "1\n")
    machine.file("sys/class/rtc/rtc0/since_epoch", "1800000000\n")
    machine.file("sys/class/net/eth0/mtu", "1500\n")
    machine.file("sys/class/net/eth0/operstate", "down\n")
    machine.file("etc/resolv.conf", "# a comment\nnameserver 10.77.0.1\nnameserver 10.77.0.2\n")
    machine.file("etc/environment", "https_proxy=http://proxy.example\n")
    machine.file("var/lib/dpkg/status", STATUS)
    machine.file("var/lib/dpkg/updates/0001", "")
    machine.file("etc/apt/apt.conf.d/20auto-upgrades", 'APT::Periodic::Unattended-Upgrade "1";\n')
    machine.file("run/reboot-required", "")
    machine.file("run/reboot-required.pkgs", "linux-image-amd64\nlinux-image-amd64\n")
    machine.file("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    machine.file("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n")
    machine.file("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", "\x06\0\0\0\x01")
    machine.file("var/lib/dkms/mok.pub", "a key")
    machine.program("mokutil", "/var/lib/dkms/mok.pub is not enrolled\n", code=1)
    seen = machine.read()
    assert seen.one("os") == "debian-12 Debian GNU/Linux 12 (bookworm)"
    assert (seen.all("cgroup"), seen.one("selinux"), seen.one("init")) == (("2",), "1", "systemd")
    assert (seen.all("swap"), seen.all("edac"), seen.number("rtc")) == (("/dev/sda3",), ("mc0 3 1",), 1_800_000_000)
    assert seen.all("mount") == ("/ ext4 ro,relatime", "/var/lib xfs rw")
    assert (seen.all("mtu"), seen.all("nameserver")) == (("eth0 1500",), ("10.77.0.1", "10.77.0.2"))
    assert seen.all("link") == ("eth0 down",)
    assert seen.all("proxy") == ("/etc/environment",)
    assert seen.all("half") == ("vim half-configured ok",)
    assert seen.all("gpu-package") == ("nvidia-dkms-580 hold", "libnvidia-compute-580 install")
    assert (seen.one("interrupted"), seen.one("unattended")) == ("yes", "on")
    assert seen.one("reboot") == "linux-image-amd64 needed"
    assert (seen.all("card"), seen.one("pci")) == (("0000:01:00.0",), "yes")
    assert (seen.one("secure-boot"), "not enrolled" in seen.one("mok")) == ("1", True)


def test_what_programs_say(machine: Bare) -> None:
    """Addresses, ports by their holders, disks' own words, errors in the kernel's log, names that do not resolve."""
    machine.program("ip", script='case "$*" in *addr*) echo "2: eth0 inet 10.77.0.11/24 scope global dynamic eth0";; '
                    '*-4*default*) echo "default via 10.77.0.1 dev eth0";; esac\n')  # fmt: skip
    machine.program("ss", 'tcp LISTEN 0 9 *:6443 *:* users:(("nginx",pid=8,fd=6))\ntcp LISTEN 0 9 *:22 *:* x\n')
    machine.program("timedatectl", "NTP=yes\nNTPSynchronized=no\n")
    machine.program("dmesg", "[1.0] I/O error, dev sda, sector 7\n[2.0] all is well\n")
    machine.program("smartctl", '{\n  "smart_status": {\n    "passed": false\n  }\n}\n', code=8)
    machine.program("getent", script="[ $2 = time.example ]\n")
    machine.file("sys/block/sda/device/model", "a disk")
    (machine.root / "sys/block/loop0").mkdir()
    seen = machine.read("-", "time.example", "hq.example")
    assert seen.all("address") == ("2: eth0 inet 10.77.0.11/24 scope global dynamic eth0",)
    assert seen.all("route") == ("default via 10.77.0.1 dev eth0",)
    assert seen.all("port") == ('tcp *:6443 users:(("nginx",pid=8,fd=6))',)
    assert seen.all("time") == ("NTP=yes", "NTPSynchronized=no")
    assert seen.all("disk-error") == ("[1.0] I/O error, dev sda, sector 7",)
    assert seen.all("smart") == ('sda {  "smart_status": {    "passed": false  }}',)
    assert seen.all("resolve") == ("time.example 0", "hq.example 1")


@pytest.mark.parametrize(
    ("answers", "said"), [("exit 1", "silent"), ('[ "$5" != -M ]', "small 9000"), ("exit 0", "9000")]
)
def test_the_way_to_the_lead(machine: Bare, answers: str, said: str) -> None:
    """Asked of an agent alone: whether the server answers, and with packets of the card's own size."""
    machine.program("ip", script='[ "$2 $3" != "route get" ] || echo "10.77.0.11 dev eth0 src 10.77.0.12"\n')
    machine.program("ping", script=f"{answers}\n")
    machine.file("sys/class/net/eth0/mtu", "9000\n")
    assert machine.read("10.77.0.11").one("lead") == said
    assert machine.read("-").one("lead") == ""


def test_a_program_that_hangs_holds_up_its_own_subject_only(machine: Bare) -> None:
    """Bounded, and what it did not say is not there; the others were read meanwhile."""
    machine.program("timedatectl", script="exec sleep 60\n")
    machine.file("etc/resolv.conf", "nameserver 10.77.0.1\n")
    began = time.monotonic()
    seen = machine.read()
    assert time.monotonic() - began < 20
    assert seen.done == SUBJECTS
    assert (seen.all("time"), seen.all("nameserver")) == ((), ("10.77.0.1",))


def test_lines_of_subjects_do_not_mix(machine: Bare) -> None:
    """Much is said at once: each line comes whole."""
    packages = "".join(f"Package: p{number}\nStatus: install ok half-installed\n\n" for number in range(900))
    machine.file("var/lib/dpkg/status", packages)
    machine.file("proc/swaps", "Filename\n" + "".join(f"/dev/{number} x\n" for number in range(900)))
    seen = machine.read()
    assert seen.all("half") == tuple(f"p{number} half-installed ok" for number in range(900))
    assert seen.all("swap") == tuple(f"/dev/{number}" for number in range(900))


def test_half_a_subject_proves_nothing(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read to its end is unknown, whatever was seen of it until then."""
    monkeypatch.setattr("edgectl.node.survey.resolver.silent", lambda _: ())
    node.on_run = lambda *_: ran("arch=x86_64\nos=debian-12 Debian\ndone=memory\n", code=None)
    found = looked(node, Declared(), asked=None, now=time.time())
    said = {one.about: one.word for one in found}
    assert {about for about, word in said.items() if word == UNKNOWN} == {
        "os", "disk", "clock", "network", "network-names", "packages", "gpu",
    }  # fmt: skip
    assert said["memory-errors"] == OK
    assert all(one.hint for one in found if one.word != OK)
