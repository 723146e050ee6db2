"""What was read of a machine becomes findings: a table of seeded faults, each found, and named with what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from edgectl.node.survey import clock, disk, gpu, memory, network, packages, system
from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.payload import Gpu
from edgectl.wire.survey import Declared

NOW = 1_800_000_000.0
ROOM = disk.Room(50_000_000_000, 3_000_000, 4_000_000)
GPU = Gpu("nvidia.com/gpu", 2, 1)
BARE = Declared(role="server", address="10.77.0.11", arch="amd64")
CARDS = Declared(gpu=GPU)
WITH_PACKAGES = Declared(gpu=GPU, packages=("nvidia-driver-580", "nvidia-dkms-580", "nvidia-container-toolkit"))
NAMED = Declared(names=("time.example", "hq.example"))
ADDRESS = (
    "2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global eth0\\       valid_lft forever preferred_lft forever"
)
LENT = "2: eth0    inet 10.77.0.11/24 scope global dynamic eth0\\       valid_lft 3520sec preferred_lft 3520sec"
K3S = 'tcp *:6443 users:(("k3s-server",pid=7,fd=3))'
NGINX = 'tcp 0.0.0.0:6443 users:(("nginx",pid=812,fd=6))'


def facts(**values: str | tuple[str, ...]) -> Facts:
    """Return what a script would have said; `_` stands for `-`."""
    return Facts({key.replace("_", "-"): (one,) if isinstance(one, str) else one for key, one in values.items()})


FINE = facts(
    os="debian-12 Debian GNU/Linux 12 (bookworm)",
    arch="x86_64",
    kernel="6.1.0-18-amd64",
    init="systemd",
    systemd="252",
    cgroup="2",
    mount=("/ ext4 rw,relatime", "/var/lib xfs rw"),
    rtc=f"{NOW:.0f}",
    time=("NTP=yes", "NTPSynchronized=yes"),
    ip_tool="yes",
    ss_tool="yes",
    address=ADDRESS,
    route="default via 10.77.0.1 dev eth0",
    mtu=("eth0 1500", "lo 65536"),
    link=("eth0 up", "lo unknown"),
    nameserver="10.77.0.1",
    dpkg="yes",
    pci="yes",
    card=("0000:01:00.0 nvidia", "0000:02:00.0 nvidia"),
    driver="0 driver 580.95.05 is loaded",
    toolkit="0 toolkit 1.20.0",
)


def with_(**values: str | tuple[str, ...]) -> Facts:
    """Return a fine machine with something else on it; an empty value takes it away."""
    return Facts({key: one for key, one in {**FINE.values, **facts(**values).values}.items() if one != ("",)})


def of_system(seen: Facts, declared: Declared = BARE) -> Iterable[Finding]:
    return system.judge(seen, declared)


def of_disk(seen: Facts, room: disk.Room = ROOM, missing: int = 600_000_000) -> Iterable[Finding]:
    return disk.judge(seen, room, missing_bytes=missing, free_bytes=4_000_000_000)


def of_clock(seen: Facts, now: float = NOW, asked: float | None = NOW - 0.4) -> Iterable[Finding]:
    return clock.judge(seen, now=now, asked=asked)


def of_network(seen: Facts, declared: Declared = BARE, *, ours: bool = False) -> Iterable[Finding]:
    return network.judge(seen, declared, ours=ours)


def of_names(seen: Facts, declared: Declared = BARE, silent: tuple[str, ...] = ()) -> Iterable[Finding]:
    return network.names(seen, declared, silent=silent)


def of_packages(seen: Facts, declared: Declared = WITH_PACKAGES, **locked: str) -> Iterable[Finding]:
    return packages.judge(seen, declared, locked)


def of_gpu(seen: Facts, declared: Declared = CARDS, listed: int | None = 2) -> Iterable[Finding]:
    return gpu.judge(seen, declared, listed=listed)


JUDGES = (of_system, of_disk, memory.judge, of_clock, of_network, of_names, of_packages, of_gpu)


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.__name__)
def test_a_machine_that_is_well_has_nothing_but_fine_findings(judge: Callable[[Facts], Iterable[Finding]]) -> None:
    """And at least one: a judge that says nothing has looked at nothing."""
    found = list(judge(FINE))
    assert {one.word for one in found} == {OK}
    assert all(one.reason and one.about for one in found)


CASES: list[tuple[Callable[..., Iterable[Finding]], tuple[Any, ...], str, str, str]] = [
    (of_system, (with_(os="fedora-41 Fedora Linux 41"),), "os", STOP, "Fedora Linux 41 is not supported"),
    (of_system, (with_(os="debian-11 Debian GNU/Linux 11"),), "os", STOP, "Debian GNU/Linux 11 is not supported"),
    (of_system, (with_(os="- "),), "os", UNKNOWN, "does not say which system"),
    (of_system, (with_(arch="riscv64"),), "os-arch", STOP, "the processor riscv64 is not supported"),
    (of_system, (with_(arch="aarch64"),), "os-arch", STOP, "the processor is arm64, declared is amd64"),
    (of_system, (with_(kernel="4.19.0-27"),), "os-kernel", WARN, "older than 5.10"),
    (of_system, (with_(init=""),), "os-systemd", STOP, "systemd does not run here"),
    (of_system, (with_(selinux="1"),), "os-selinux", STOP, "SELinux is enforcing"),
    (of_system, (with_(cgroup="1"),), "os-cgroup", WARN, "cgroup v1"),
    (of_system, (with_(swap="/dev/sda3"),), "os-swap", WARN, "swap is on: /dev/sda3"),
    (of_disk, (FINE, disk.Room(4_100_000_000, 10**6, 10**6)), "disk-room", STOP, "4.6 GB are needed (600 MB to come"),
    (of_disk, (FINE, disk.Room(10**11, 10**6, 10**6), 10**11), "disk-room", STOP, "120.0 GB are needed"),
    (of_disk, (FINE, disk.Room(10**11, 50_000, 10**6)), "disk-inodes", WARN, "50000 inodes free"),
    (of_disk, (FINE, disk.Room(10**11, 50, 10**6)), "disk-inodes", STOP, "50 inodes free"),
    (of_disk, (with_(mount=("/ ext4 ro,relatime",)),), "disk-read-only", STOP, "/ is mounted read-only"),
    (
        of_disk,
        (
            with_(
                mount=("/ ext4 rw", "/usr ext4 ro"),
            ),
        ),
        "disk-read-only",
        STOP,
        "/usr is mounted read-only",
    ),
    (
        of_disk,
        (
            with_(
                mount=("/ ext4 rw", "/var/lib nfs4 rw"),
            ),
        ),
        "disk-kind",
        WARN,
        "/var/lib is nfs4",
    ),
    (of_disk, (with_(disk_error="I/O error, dev sda"),), "disk-errors", WARN, "errors of a disk"),
    (
        of_disk,
        (with_(smart_tool="yes", smart='sda {"smart_status": {"passed": false}}'),),
        "disk-smart",
        STOP,
        "the disk sda says of itself that it fails",
    ),
    (of_disk, (with_(smart_tool="yes", smart="sda not json"),), "disk-smart", OK, "sda does not say how it is"),
    (memory.judge, (with_(edac="mc0 3 0"),), "memory-errors", WARN, "mc0 has corrected 3 errors"),
    (memory.judge, (with_(edac="mc0 3 2"),), "memory-errors", WARN, "mc0 has lost data 2 times"),
    (of_clock, (FINE, 400_000_000.0), "clock", STOP, "the clock says 1982-09-04, which cannot be"),
    (of_clock, (FINE, NOW, NOW + 400), "clock", WARN, "this clock is 7 min behind the operator's"),
    (of_clock, (FINE, NOW, NOW - 8), "clock", WARN, "this clock is 8 s ahead of the operator's"),
    (of_clock, (with_(rtc="86400"),), "clock-rtc", WARN, "says 1970-01-02: it has lost its time"),
    (of_clock, (with_(rtc=f"{NOW - 7200:.0f}"),), "clock-rtc", WARN, "is 2 h off"),
    (of_clock, (with_(time=("NTP=yes", "NTPSynchronized=no")),), "clock-sync", WARN, "no time server has answered"),
    (of_clock, (with_(time=("NTP=no", "NTPSynchronized=no")),), "clock-sync", WARN, "nothing keeps the clock"),
    (of_clock, (with_(time=""),), "clock-sync", WARN, "not known"),
    (
        of_network,
        (with_(address="2: eth0    inet 10.9.9.9/24 scope global eth0"),),
        "network-address",
        STOP,
        "10.9.9.9",
    ),
    (of_network, (with_(address=LENT),), "network-address", WARN, "lent to eth0 by DHCP, for another 3520 s"),
    (of_network, (with_(ip_tool="", address=""),), "network-address", UNKNOWN, "ip is not installed"),
    (of_network, (with_(route=""),), "network-route", WARN, "no default route"),
    (
        of_network,
        (with_(link=("eth0 down", "lo unknown")),),
        "network-link",
        WARN,
        "eth0 has no link: its cable is out",
    ),
    (of_network, (with_(address=ADDRESS.replace("eth0", "edgectl0")),), "network-alone", WARN, "only edgectl0 has"),
    (of_network, (with_(mtu="eth0 576"),), "network-mtu", WARN, "eth0 takes packets of 576 bytes"),
    (of_network, (with_(lead="silent"),), "network-lead", WARN, "does not answer a ping"),
    (of_network, (with_(lead="small 1500"),), "network-lead", WARN, "packets of 1500 bytes do not get through"),
    (of_network, (with_(port=NGINX),), "network-ports", STOP, "of the Kubernetes API is nginx (pid 812)'s"),
    (of_network, (with_(port="udp *:51820"),), "network-ports", WARN, "51820/udp"),
    (of_network, (with_(ss_tool=""),), "network-ports", UNKNOWN, "ss is not installed"),
    (of_network, (with_(proxy="/etc/environment"),), "network-proxy", WARN, "in /etc/environment"),
    (of_names, (with_(nameserver=""),), "network-names", WARN, "names no name server"),
    (of_names, (FINE, BARE, ("10.77.0.1",)), "network-names", WARN, "the name server 10.77.0.1 does not answer"),
    (
        of_names,
        (with_(resolve=("time.example 0", "hq.example 2")), NAMED),
        "network-names",
        WARN,
        "hq.example does not",
    ),
    (of_packages, (with_(half="nvidia-dkms-580 half-configured ok"),), "packages-half", WARN, "1 package is half"),
    (of_packages, (with_(half="nvidia-dkms-580 half-installed reinstreq"),), "packages-half", WARN, "half"),
    (of_packages, (with_(half="vim half-installed ok"),), "packages-half", STOP, "1 package is half installed: vim"),
    (of_packages, (with_(half="vim installed reinstreq"),), "packages-half", STOP, "1 package is half installed: vim"),
    (of_packages, (with_(half="vim half-installed ok"), BARE), "packages-half", WARN, "half installed: vim"),
    (of_packages, (with_(half="vim half-configured ok"), BARE), "packages-half", WARN, "1 package is half"),
    (of_packages, (with_(interrupted="yes"),), "packages-half", WARN, "dpkg was interrupted"),
    (of_packages, (with_(reboot="linux-image-amd64 needed"),), "packages-reboot", WARN, "for linux-image-amd64"),
    (of_packages, (with_(reboot="needed"),), "packages-reboot", WARN, "a reboot is pending"),
    (
        of_packages,
        (with_(unattended="on", gpu_package=("libnvidia-compute-580 install", "nvidia-dkms-580 install")),),
        "packages-unattended",
        WARN,
        "may replace libnvidia-compute-580 under",  # the other one is declared: its deploy holds it
    ),
    (of_gpu, (FINE, CARDS, 0), "gpu-cards", STOP, "0 of 2 GPUs by the driver, 1 required"),
    (of_gpu, (FINE, CARDS, 1), "gpu-cards", WARN, "1 of 2 GPUs by the driver"),
    (of_gpu, (with_(card="0000:01:00.0 nvidia"), CARDS, None), "gpu-cards", WARN, "1 of 2 GPUs on the PCI bus"),
    (of_gpu, (with_(pci="", card=""), CARDS, None), "gpu-cards", OK, "not counted"),
    (of_gpu, (FINE, BARE), "gpu-cards", WARN, "2 NVIDIA GPUs are built in, none is declared"),
    (of_gpu, (with_(card=("0000:01:00.0 nouveau",)),), "gpu-nouveau", WARN, "nouveau holds the GPU"),
    (of_gpu, (with_(card=("0000:01:00.0 nouveau",)), WITH_PACKAGES), "gpu-nouveau", OK, "the deploy restarts"),
    (of_gpu, (with_(driver="1 the driver is not loaded"),), "gpu-driver", STOP, "the driver is not loaded"),
    (of_gpu, (with_(driver="1 no"), WITH_PACKAGES), "gpu-driver", OK, "comes with the deploy"),
    (
        of_gpu,
        (FINE, Declared(gpu=Gpu("nvidia.com/gpu", 2, 1, driver="570.1"))),
        "gpu-driver",
        WARN,
        "driver 580.95.05 is loaded",
    ),
    (of_gpu, (with_(toolkit="2 nvidia-container-runtime is not installed"),), "gpu-toolkit", STOP, "not installed"),
    (of_gpu, (with_(toolkit="2 no"), WITH_PACKAGES), "gpu-toolkit", OK, "comes with the deploy"),
    (of_gpu, (with_(secure_boot="1"), WITH_PACKAGES), "gpu-secure-boot", STOP, "its key is not enrolled"),
    (of_gpu, (with_(secure_boot="1", mok="x is not enrolled"), WITH_PACKAGES), "gpu-secure-boot", STOP, "refuse"),
    (of_gpu, (with_(secure_boot="1", mok="x is already enrolled"), WITH_PACKAGES), "gpu-secure-boot", OK, "knows"),
]


@pytest.mark.parametrize(
    ("judge", "given", "about", "word", "reason"), CASES, ids=[f"{about}: {reason}" for _, _, about, _, reason in CASES]
)
def test_a_fault_is_found_and_named(
    judge: Callable[..., Iterable[Finding]], given: tuple[Any, ...], about: str, word: str, reason: str
) -> None:
    """Its word, its sentence; and whatever is not fine says what to do next. Nothing else of the subject changes."""
    found = [one for one in judge(*given) if one.about == about and one.word == word]
    assert found, list(judge(*given))
    assert reason in found[0].reason
    assert all(one.hint for one in judge(*given) if one.word != OK)
    others = [one for one in judge(*given) if one.about != about]
    assert [one for one in others if one.word != OK] == []


def test_who_holds_a_lock_is_named() -> None:
    """A deploy with packages stops for it; one without is only told."""
    locked = {"/var/lib/dpkg/lock-frontend": "/usr/bin/apt-get install vim (pid 812)"}
    (found,) = [one for one in packages.judge(FINE, WITH_PACKAGES, locked) if one.about == "packages-lock"]
    assert (found.word, "apt-get install vim (pid 812) is at work" in found.reason) == (STOP, True)
    assert "never delete the lock" in found.hint
    assert [one.word for one in packages.judge(FINE, BARE, locked) if one.about == "packages-lock"] == [WARN]


def test_what_a_store_of_ours_holds_is_no_fault() -> None:
    """Its own k3s has the ports, and a k3s of somebody else is said by its own name."""
    assert [one for one in of_network(with_(port=(K3S, NGINX)), ours=True) if one.about == "network-ports"] == []
    assert [one.word for one in of_network(with_(port=K3S)) if one.about == "network-ports"] == [OK]


def test_an_unattended_upgrade_that_is_fenced_is_fine() -> None:
    """Held, on the blacklist, or switched off."""
    for seen in (
        with_(unattended="fenced", gpu_package="libnvidia-compute-580 install"),
        with_(unattended="on", gpu_package="libnvidia-compute-580 hold"),
        with_(gpu_package="libnvidia-compute-580 install"),
    ):
        assert [one for one in of_packages(seen) if one.word != OK] == []


def test_times_are_read_in_no_zone() -> None:
    """The table's numbers mean what they say."""
    assert time.gmtime(NOW).tm_year == 2027


def test_what_a_deploy_mends_itself_is_said_so() -> None:
    """Where packages are declared a deploy begins with `dpkg --configure -a`; where none are, a person does it.

    Seeded: the same hint for both.
    """
    for seen in (with_(interrupted="yes"), with_(half="nvidia-dkms-580 half-configured ok")):
        (mends, leaves) = (
            next(one.hint for one in packages.judge(seen, declared, {}) if one.about == "packages-half")
            for declared in (WITH_PACKAGES, BARE)
        )
        assert mends.startswith("a deploy brings it to its end itself")
        assert leaves.startswith("dpkg --configure -a;")
