"""What this machine is, by what it says itself: the hardware, and what stands in for hardware.

Owns: where each fact is read. One that cannot be read is empty. Judges nothing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.desired import deployed
from edgectl.node.io.look import Look
from edgectl.wire.lab import LabFacts

_K3S = Path("usr/local/bin/k3s")
_SMI = ("nvidia-smi", "--query-gpu=name,uuid,driver_version", "--format=csv,noheader")
_NOTHING = frozenset({"", "none"})


def facts(look: Look) -> LabFacts:
    """Read them all."""
    root = look.places.root
    virtual = look.run("systemd-detect-virt").out.strip()
    container = look.run("systemd-detect-virt", "--container").out.strip()
    disk = os.statvfs(root)
    return LabFacts(
        node=deployed(look.places)[1].name,
        vendor=_text(look, root / "sys/class/dmi/id/sys_vendor"),
        product=_text(look, root / "sys/class/dmi/id/product_name"),
        cpu=_field(_text(look, root / "proc/cpuinfo"), "model name"),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=int((_field(_text(look, root / "proc/meminfo"), "MemTotal").split() or ["0"])[0]) * 1024,
        disk_bytes=disk.f_blocks * disk.f_frsize,
        system=_field(_text(look, root / "etc/os-release"), "PRETTY_NAME", "=").strip('"'),
        kernel=os.uname().release,
        virtual=virtual,
        container=container not in _NOTHING,
        k3s=look.run(f"/{_K3S}", "--version").out.partition("\n")[0].strip(),
        k3s_digest=look.digest(root / _K3S) or "",
        gpus=tuple(line.strip() for line in look.run(*_SMI).out.splitlines() if "," in line),
        gpu_device=_is_device(look),
    )


def _is_device(look: Look) -> bool:
    """Tell whether /dev/nvidia0 leads to a driver that the kernel knows: a plain file of that name does not."""
    root = look.places.root
    entry = look.entry(root / "dev/nvidia0")
    if entry is None or not stat.S_ISCHR(entry.st_mode):
        return False
    known = (line.split() for line in _text(look, root / "proc/devices").splitlines())
    return any(words[0] == str(os.major(entry.st_rdev)) and "nvidia" in words[-1] for words in known if len(words) > 1)


def _text(look: Look, path: Path) -> str:
    with suppress(LookFailed):
        return (look.text(path) or "").strip()
    return ""


def _field(text: str, name: str, mark: str = ":") -> str:
    """Return what stands behind `name` and the mark."""
    for line in text.splitlines():
        key, found, value = line.partition(mark)
        if found and key.strip() == name:
            return value.strip()
    return ""
