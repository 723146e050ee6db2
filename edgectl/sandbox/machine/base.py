"""The disk every new node starts from: a minimal Debian or Ubuntu, as one sparse ext4 image.

Owns: what is installed and configured on every node. Packages come through the host's own apt configuration, or, for
another suite than the host's, from the host's mirror.
Must not know names, keys or addresses of nodes.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edgectl.sandbox.machine.command import run, run_logged
from edgectl.sandbox.machine.lock import locked
from edgectl.sandbox.machine.mirror import SYSTEMS, host_suite, mirror_of, sources_of
from edgectl.sandbox.machine.places import cache_home
from edgectl.wire.errors import InvalidInput

DISK_BYTES = 12 << 30
_RECIPE = 1  # raised when the steps below change in a way that the lists do not show
_BOOTSTRAP = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "iptables",
    "ca-certificates",
    "python3",
    "kmod",
    "procps",
    "zstd",
    "chrony",
    "sudo",
)
_NODE = (
    "conntrack",
    "ipset",
    "ethtool",
    "socat",
    "curl",
    "iputils-ping",
    "less",
    "mount",
    "netcat-openbsd",
    "psmisc",
    "util-linux",
)
# Hardware, kernel and network set-up that a container does not have; timers that would make boots differ.
_MASKED = (
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-networkd.service",
    "systemd-networkd-wait-online.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-modules-load.service",
    "systemd-sysctl.service",
    "e2scrub_reap.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "systemd-pstore.service",
    "motd-news.timer",
)
_UNITS = ("sandbox-net.service", "sandbox-cgroup.service")
# Containers outlive their k3s (KillMode=process) and some ignore SIGTERM: systemd waits this long for them at
# every reboot instead of 90 s.
_SYSTEM_CONF = "[Manager]\nDefaultTimeoutStopSec=10s\n"


def base_image(say: Callable[[str], None], system: str = "", extra: tuple[str, ...] = ()) -> Path:
    """Return this month's base image of a system (the host's own when not named), making it when needed (a minute).

    `extra` packages make it another base, kept beside the usual one.
    """
    suite = _suite(system)
    family = "+".join((suite, *extra))
    target = cache_home() / "bases" / f"{family}-{_digest(suite, extra)[:16]}" / "disk.img"
    if target.exists():
        return target
    home = target.parent.parent
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock", timeout_seconds=1800):
        if not target.exists():
            _build(suite, family, target, extra, say)
    return target


def _build(suite: str, family: str, target: Path, extra: tuple[str, ...], say: Callable[[str], None]) -> None:
    started, mirror = time.monotonic(), mirror_of(suite)
    many = len(_BOOTSTRAP) + len(_NODE) + len(extra)
    say(f"node base: installing {family} with {many} packages (about a minute) ...")
    for leftover in target.parent.parent.glob(".staging-*"):
        shutil.rmtree(leftover)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent.parent))
    tree, log = staging / "tree", target.parent.parent / "build.log"
    log.write_text("")
    _bootstrap(suite, tree, mirror, log)
    _install(tree, suite, extra, log)
    _configure(tree)
    say("node base: writing the disk image ...")
    image = staging / "disk.img"
    # Tables are zeroed now, which costs nothing in a sparse file; left to the first mount, copies would grow by 200 MB.
    now = ("-J", "size=64", "-E", "lazy_itable_init=0,lazy_journal_init=0")
    run(["mke2fs", "-q", "-t", "ext4", *now, "-d", tree, image, f"{DISK_BYTES // 1024}k"], timeout_seconds=600)
    shutil.rmtree(tree)
    shutil.rmtree(target.parent, ignore_errors=True)
    staging.replace(target.parent)
    for old in sorted(target.parent.parent.glob(f"{family}-*"), key=os.path.getmtime)[:-2]:
        shutil.rmtree(old)
    say(f"node base: made in {time.monotonic() - started:.0f} s")


def _bootstrap(suite: str, tree: Path, mirror: str, log: Path) -> None:
    run_logged(
        ["debootstrap", "--variant=minbase", f"--include={','.join(_BOOTSTRAP)}", suite, tree, mirror],
        log,
        timeout_seconds=1200,
        env=_proxy(),
    )


def _install(tree: Path, suite: str, extra: tuple[str, ...], log: Path) -> None:
    """Install the rest with the host's sources, keys and proxy; from its mirror alone, where it is of another suite.

    These leave the tree again, since they may hold secrets.
    """
    own, apt = tree / "etc/apt.own", tree / "etc/apt"
    apt.rename(own)
    shutil.copytree("/etc/apt", apt, symlinks=True)
    if Path("/usr/share/keyrings").is_dir():
        shutil.copytree("/usr/share/keyrings", tree / "usr/share/keyrings", symlinks=True, dirs_exist_ok=True)
    if suite != host_suite():
        (apt / "sources.list").write_text(sources_of(suite))
        shutil.rmtree(apt / "sources.list.d", ignore_errors=True)
        shutil.rmtree(apt / "preferences.d", ignore_errors=True)
    resolver = tree / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    shutil.copyfile("/etc/resolv.conf", resolver)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # invoke-rc.d(8): services are not started in the tree
    policy.chmod(0o755)
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        # A third-party source of the host may fail in here; what counts is that the packages can be installed.
        run_logged(["chroot", tree, "sh", "-c", "apt-get update -q || true"], log, timeout_seconds=600, env=quiet)
        run_logged(
            ["chroot", tree, "apt-get", "install", "-q", "-y", "--no-install-recommends", *_NODE, *extra],
            log,
            timeout_seconds=1200,
            env=quiet,
        )
        run_logged(["chroot", tree, "apt-get", "clean"], log, timeout_seconds=60, env=quiet)
    finally:
        policy.unlink()
    shutil.rmtree(apt)
    own.rename(apt)
    shutil.rmtree(tree / "var/lib/apt/lists", ignore_errors=True)
    (tree / "var/lib/apt/lists/partial").mkdir(parents=True)


def _configure(tree: Path) -> None:
    system = tree / "etc/systemd/system"
    for unit in _UNITS:
        (system / unit).write_text(_file(unit))
        for wanted_by in _wanted_by(_file(unit)):
            (system / f"{wanted_by}.wants").mkdir(exist_ok=True)
            (system / f"{wanted_by}.wants" / unit).symlink_to(f"../{unit}")
    for unit in _MASKED:
        (system / unit).unlink(missing_ok=True)
        (system / unit).symlink_to("/dev/null")
    (tree / "etc/systemd/system.conf.d").mkdir(exist_ok=True)
    (tree / "etc/systemd/system.conf.d/50-sandbox.conf").write_text(_SYSTEM_CONF)
    (tree / "var/log/journal").mkdir(exist_ok=True)
    (tree / "etc/machine-id").write_text("uninitialized\n")
    (tree / "etc/resolv.conf").unlink()
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()


def _wanted_by(unit: str) -> list[str]:
    return next(line.removeprefix("WantedBy=").split() for line in unit.splitlines() if line.startswith("WantedBy="))


def _file(name: str) -> str:
    return importlib.resources.files("edgectl.sandbox.machine").joinpath("files", name).read_text()


def _digest(suite: str, extra: tuple[str, ...]) -> str:
    inputs = {
        "recipe": _RECIPE,
        "suite": suite,
        "month": f"{datetime.now(UTC):%Y-%m}",  # security updates reach the sandbox within a month
        "packages": [_BOOTSTRAP, _NODE, *([extra] if extra else [])],
        "masked": _MASKED,
        "units": [_file(unit) for unit in _UNITS],
        "system": _SYSTEM_CONF,
        "disk": DISK_BYTES,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _suite(system: str) -> str:
    """Return the suite of a system by name, "debian-13"; of the host's own when not named."""
    if not system:
        return host_suite()
    if system not in SYSTEMS:
        raise InvalidInput(
            f"{system!r} is no system of sandbox nodes.", hint=f"There are {', '.join(sorted(SYSTEMS))}."
        )
    return SYSTEMS[system]


def _proxy() -> dict[str, str]:
    """Hand apt's proxies to debootstrap, which does not read apt's configuration."""
    env = {}
    for scheme in ("http", "https"):
        line = run(["apt-config", "shell", "value", f"Acquire::{scheme}::Proxy"]).out
        value = line.partition("=")[2].strip().strip("'")
        if value and value != "DIRECT":
            env[f"{scheme}_proxy"] = value
    return env
