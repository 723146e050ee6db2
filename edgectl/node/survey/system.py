"""The operating system: is it one that edgectl knows, and can Kubernetes run on it? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.survey import Declared

# As /etc/os-release names them. preflight.sh, the gate, has the same list.
SUPPORTED = {
    "debian-12": "Debian 12",
    "debian-13": "Debian 13",
    "ubuntu-22.04": "Ubuntu 22.04",
    "ubuntu-24.04": "Ubuntu 24.04",
}
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
_KERNEL = (5, 10)


def judge(facts: Facts, declared: Declared) -> Iterator[Finding]:
    """Yield what there is to say."""
    yield _os(facts)
    yield _arch(facts, declared)
    yield _kernel(facts)
    if facts.one("init") != "systemd":
        yield Finding("os-systemd", STOP, "systemd does not run here", "install a system that boots with systemd")
    else:
        yield Finding("os-systemd", OK, f"systemd {facts.one('systemd') or 'of unknown version'}")
    if facts.one("selinux") == "1":
        hint = "switch it to permissive: SELINUX=permissive in /etc/selinux/config, then reboot"
        yield Finding("os-selinux", STOP, "SELinux is enforcing, which is not supported", hint)
    if "2" in facts.all("cgroup"):
        yield Finding("os-cgroup", OK, "cgroup v2")
    else:
        hint = "boot with systemd.unified_cgroup_hierarchy=1, the default of every supported system"
        yield Finding("os-cgroup", WARN, "cgroup v1, which Kubernetes is giving up", hint)
    if swaps := facts.all("swap"):
        hint = "swapoff -a, and take it out of /etc/fstab: what is swapped out answers late"
        yield Finding("os-swap", WARN, f"swap is on: {', '.join(swaps)}", hint)


def _os(facts: Facts) -> Finding:
    key, _, name = facts.one("os").partition(" ")
    if key in SUPPORTED:
        return Finding("os", OK, name or SUPPORTED[key])
    known = ", ".join(SUPPORTED.values())
    if not key.strip("-"):
        return Finding("os", UNKNOWN, "/etc/os-release does not say which system this is", f"supported are {known}")
    return Finding(
        "os", STOP, f"{name or key} is not supported", f"install one of {known}: edgectl image makes the files"
    )


def _arch(facts: Facts, declared: Declared) -> Finding:
    machine = facts.one("arch")
    arch = _ARCHES.get(machine, "")
    if not arch:
        return Finding(
            "os-arch", STOP, f"the processor {machine or '(unknown)'} is not supported", "use amd64 or arm64"
        )
    if declared.arch and arch != declared.arch:
        hint = f"correct hardware.arch in the inventory to {arch}, or use the machine that is meant"
        return Finding("os-arch", STOP, f"the processor is {arch}, declared is {declared.arch}", hint)
    return Finding("os-arch", OK, arch)


def _kernel(facts: Facts) -> Finding:
    text = facts.one("kernel")
    words = [int(word) for word in text.partition("-")[0].split(".")[:2] if word.isdecimal()]
    if not words:
        return Finding("os-kernel", UNKNOWN, "the kernel does not say its version", "uname -r")
    if tuple(words) < _KERNEL:
        return Finding("os-kernel", WARN, f"kernel {text} is older than 5.10", "update the system's kernel, reboot")
    return Finding("os-kernel", OK, f"kernel {text}")
