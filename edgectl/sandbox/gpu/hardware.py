"""A node's pretend GPUs as files: driver, nvidia-smi, nvidia-modprobe, kernel log, CUDA library, container runtime.

Owns: what lies where on a node. Everything is a plain file that a seed can carry; the driver's unit makes the rest at
each boot. What the hardware then does is said by its knobs (knobs.py). Must not know how a seed gets onto a disk.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

KNOBS = "etc/sandbox-gpu"
LIBRARY = "usr/lib/sandbox-gpu/libcuda.so.1"  # the driver's unit links it to where programs look for it
# A drop-in asks for the driver's unit, since a link in a seed could not be copied twice.
_PLACES = {
    "sandbox-driver.service": ("etc/systemd/system/sandbox-driver.service", 0o644),
    "want.conf": ("etc/systemd/system/sysinit.target.d/sandbox-gpu.conf", 0o644),
    "sandbox-driver": ("usr/lib/sandbox-gpu/sandbox-driver", 0o755),
    "nvidia-smi": ("usr/bin/nvidia-smi", 0o755),
    "nvidia-modprobe": ("usr/bin/nvidia-modprobe", 0o755),
    "nvidia-container-runtime": ("usr/bin/nvidia-container-runtime", 0o755),
    "dmesg": ("usr/local/bin/dmesg", 0o755),
}


@dataclass(frozen=True, slots=True)
class HardwareFile:
    """One file of a node."""

    path: str
    data: bytes
    mode: int = 0o644


def hardware(gpus: int, library: Path | None = None) -> tuple[HardwareFile, ...]:
    """Return the files of a node with so many GPUs; none for one without. `library`: the stand-in for CUDA's driver."""
    if not gpus:
        return ()
    folder = importlib.resources.files("edgectl.sandbox.gpu").joinpath("driver")
    files = [HardwareFile(path, folder.joinpath(name).read_bytes(), mode) for name, (path, mode) in _PLACES.items()]
    files += [HardwareFile(f"{KNOBS}/{name}", f"{gpus}\n".encode()) for name in ("built-in", "count")]
    if library is not None:
        files.append(HardwareFile(LIBRARY, library.read_bytes()))
    return tuple(files)
