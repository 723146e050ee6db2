"""What a host must have before a sandbox can stand on it: looked at first, all of it, each gap with its remedy.

Owns: the facts that are read and the verdict on them. Must not change the host, but for `install`, which is asked for.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.places import cache_home, state_home
from edgectl.wire.errors import NotReady

# Program -> the Debian and Ubuntu package that has it.
_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "mke2fs": "e2fsprogs",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "losetup": "mount",
    "chroot": "coreutils",
    "cc": "gcc",
}
# What packages bring that is no program: the C library's headers.
_FILES = {"/usr/include/stdio.h": "libc6-dev"}
_FREE_BYTES = 10 << 30
_MEMORY_BYTES = 3 << 30
_SUITES = ("bookworm", "trixie", "noble")
# Asked by doing: module lists say nothing about what is built in, nor what this user may do.
_NETWORK_TRIAL = "ip link add edgebr type bridge && ip link add edgev type veth peer name edgew"
_MOUNT_TRIAL = (
    "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b /mnt/c /mnt/d && "
    "mount -t overlay none -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c /mnt/d"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen on the host. Sizes in bytes; `trials`: kernel feature -> why it failed (empty: it works)."""

    system: str
    machine: str
    suite: str
    root: bool
    missing_packages: tuple[str, ...]
    loop: bool
    ext4: bool
    cgroups: bool
    trials: dict[str, str]
    free_bytes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing, and what to do about it."""

    what: str
    remedy: str


def look() -> Facts:
    """Read the facts; nothing is changed. Trials run in namespaces that end with them."""
    root = os.geteuid() == 0
    missing = {package for program, package in _PROGRAMS.items() if shutil.which(program, path=_search_path()) is None}
    missing |= {package for path, package in _FILES.items() if not Path(path).exists()}
    trials: dict[str, str] = {}
    if root and not {"iproute2", "util-linux", "mount"} & missing:
        trials["network namespaces with bridge and veth"] = _trial(["--net"], _NETWORK_TRIAL)
        trials["mount namespaces with overlayfs"] = _trial(["--mount"], _MOUNT_TRIAL)
    filesystems = _read("/proc/filesystems")
    return Facts(
        system=platform.system(),
        machine=platform.machine(),
        suite=_suite(),
        root=root,
        missing_packages=tuple(sorted(missing)),
        loop=Path("/dev/loop-control").exists(),
        ext4="\text4\n" in filesystems,
        cgroups=_cgroups(),
        trials=trials,
        free_bytes=min(_free(state_home()), _free(cache_home())),
        memory_bytes=_memory(),
    )


def judge(facts: Facts) -> tuple[Gap, ...]:
    """Return every gap, the ones that explain others first."""
    if facts.system != "Linux":
        return (Gap(f"This is {facts.system}; store nodes run on a Linux kernel.", "Use a Linux machine or a VM."),)
    packages = " ".join(facts.missing_packages)
    where = f"XDG_STATE_HOME and XDG_CACHE_HOME to another disk (now {state_home()} and {cache_home()})"
    rows = (
        (facts.root, "Store nodes need root: disks, namespaces, control groups.", "Run it with sudo."),
        (facts.machine == "x86_64", f"This is {facts.machine}; nodes are x86_64.", "Use an x86_64 machine."),
        (not packages, f"Programs of these packages are missing: {packages}.", f"apt-get install {packages}"),
        (
            facts.suite in _SUITES,
            f"This is {facts.suite or 'neither Debian nor Ubuntu'}; nodes are made of the host's own suite.",
            f"Use one of {', '.join(_SUITES)}.",
        ),
        (facts.loop, "There are no loop devices (/dev/loop-control).", "modprobe loop"),
        (facts.ext4, "The kernel has no ext4.", "modprobe ext4"),
        (facts.cgroups, "The control groups memory, cpu and pids are not all there.", "Mount them at /sys/fs/cgroup."),
        *(
            (not failure, f"No {feature}: {failure}.", "Use a VM, or a container that is run privileged.")
            for feature, failure in facts.trials.items()
        ),
        (
            facts.free_bytes >= _FREE_BYTES,
            f"{facts.free_bytes / 2**30:.1f} GiB of disk are free, {_FREE_BYTES >> 30} are needed.",
            f"Free some, or point {where}.",
        ),
        (
            facts.memory_bytes >= _MEMORY_BYTES,
            f"{facts.memory_bytes / 2**30:.1f} GiB of memory are free, {_MEMORY_BYTES >> 30} are needed.",
            "End something that is large.",
        ),
    )
    return tuple(Gap(what, remedy) for fine, what, remedy in rows if not fine)


def require(say: Callable[[str], None], *, install: bool = True) -> None:
    """Raise NotReady with all gaps, after missing packages were installed where root may do that."""
    facts = look()
    if install and facts.root and facts.missing_packages and shutil.which("apt-get"):
        say(f"installing {' '.join(facts.missing_packages)} with apt-get ...")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        apt = ("apt-get", "-o", "DPkg::Lock::Timeout=300")  # a new machine often updates itself at that moment
        run([*apt, "update", "-q"], timeout_seconds=300, check=False, env=quiet)
        run(
            [*apt, "install", "-q", "-y", "--no-install-recommends", *facts.missing_packages],
            timeout_seconds=600,
            check=False,
            env=quiet,
        )
        facts = look()
    if gaps := judge(facts):
        count = "one thing is" if len(gaps) == 1 else f"{len(gaps)} things are"
        raise NotReady(
            f"This host cannot carry a sandbox: {count} missing.",
            hint=gaps[0].remedy,
            details=tuple(f"{gap.what} Remedy: {gap.remedy}" for gap in gaps),
        )


def require_root() -> None:
    """Raise NotReady unless this is root: enough for a store that is there already."""
    if os.geteuid() != 0:
        raise NotReady("Store nodes need root: disks, namespaces, control groups.", hint="Run it with sudo.")


def _trial(spaces: list[str], script: str) -> str:
    done = run(["unshare", *spaces, "sh", "-c", script], check=False)
    return "" if done.code == 0 else (done.err.strip().splitlines() or ["no reason given"])[-1]


def _search_path() -> str:
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def _suite() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _cgroups() -> bool:
    wanted = {"memory", "cpu", "pids"}
    if unified := _read("/sys/fs/cgroup/cgroup.controllers"):
        return wanted <= set(unified.split())
    return all(os.access(f"/sys/fs/cgroup/{name}/cgroup.procs", os.R_OK) for name in wanted)


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _memory() -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
