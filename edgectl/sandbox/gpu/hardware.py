"""A node's pretend GPUs as files: what the machine has (cards, firmware, kernel), and what a driver's packages bring.

Owns: what lies where on a node. Everything is a plain file that a seed can carry; the machine's unit makes the rest at
each boot. What the hardware then does is said by its knobs (knobs.py). Must not know how a seed gets onto a disk.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.gpu.libcuda import DRIVER

KNOBS = "etc/sandbox-gpu"
LIBRARY = "usr/lib/sandbox-gpu/libcuda.so.1"  # the driver's unit links it to where programs look for it
NOUVEAU = "etc/modprobe.d/nvidia-blacklists-nouveau.conf"
# A drop-in asks for the machine's unit, since a link in a seed could not be copied twice.
_MACHINE = {
    "sandbox-driver.service": ("etc/systemd/system/sandbox-driver.service", 0o644),
    "want.conf": ("etc/systemd/system/sysinit.target.d/sandbox-gpu.conf", 0o644),
    "sandbox-driver": ("usr/lib/sandbox-gpu/sandbox-driver", 0o755),
    "sandbox-mounts": ("usr/lib/sandbox-gpu/sandbox-mounts", 0o755),
    "dmesg": ("usr/local/bin/dmesg", 0o755),
    "modprobe": ("usr/local/sbin/modprobe", 0o755),
}
_DRIVER = {
    "nvidia-smi": ("usr/bin/nvidia-smi", 0o755),
    "nvidia-modprobe": ("usr/bin/nvidia-modprobe", 0o755),
    "nvidia-container-runtime": ("usr/bin/nvidia-container-runtime", 0o755),
    "nouveau.conf": (NOUVEAU, 0o644),
}


@dataclass(frozen=True, slots=True)
class HardwareFile:
    """One file of a node."""

    path: str
    data: bytes
    mode: int = 0o644


def hardware(gpus: int, library: Path | None = None, *, driver: bool = True) -> tuple[HardwareFile, ...]:
    """Return the files of a node with so many GPUs; none for one without.

    `driver`: somebody has installed one, and the container toolkit; without it, packages have yet to bring them.
    `library`: the stand-in for CUDA's.
    """
    if not gpus:
        return ()
    places = {**_MACHINE, **(_DRIVER if driver else {})}
    files = [HardwareFile(path, given(name), mode) for name, (path, mode) in places.items()]
    files += [HardwareFile(f"{KNOBS}/{name}", f"{gpus}\n".encode()) for name in ("built-in", "count")]
    if driver:
        files.append(HardwareFile("usr/lib/sandbox-gpu/built-in-driver", f"{DRIVER}\n".encode()))
    if driver and library is not None:
        files.append(HardwareFile(LIBRARY, library.read_bytes()))
    return tuple(files)


def given(name: str) -> bytes:
    """Return one of the files that this package holds."""
    return importlib.resources.files("edgectl.sandbox.gpu").joinpath("driver", name).read_bytes()
