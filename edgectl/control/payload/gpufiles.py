"""Files that come with declared packages of the GPU: nobody but a deploy changes the driver, nor what it is built for.

Owns their places and texts. Must not know which packages there are in the bundle.
Sources: modprobe.d(5); 50unattended-upgrades of its package (patterns are Python's, held against the start of names).
"""

from __future__ import annotations

import re

from edgectl.control.inventory.store import GpuSettings
from edgectl.wire.payload import ManagedFile

UPGRADES = "/etc/apt/apt.conf.d/52edgectl"
NOUVEAU = "/etc/modprobe.d/edgectl-nouveau.conf"
_NVIDIA = "nvidia.com/"
_DRIVER = ("^nvidia-", "^libnvidia-", "^cuda-drivers")
# The driver's modules are built for one kernel. Another one at the next boot, at an hour that nobody chose, is a store
# without GPUs where they do not build: kernels come by a deploy, too.
_KERNEL = ("^linux-image-", "^linux-headers-", "^linux-modules-")
_SPECIAL = re.compile(r"[.+]")


def gpu_files(gpu: GpuSettings | None) -> tuple[ManagedFile, ...]:
    """Return the files; none where the inventory leaves the GPU's packages alone."""
    if gpu is None or not gpu.packages:
        return ()
    ours = gpu.resource.startswith(_NVIDIA)
    named = tuple(f"^{_SPECIAL.sub(lambda found: f'[{found[0]}]', name)}$" for name, _ in gpu.packages)
    patterns = (*named, *(_DRIVER if ours else ()), *_KERNEL)
    lines = "".join(f'  "{pattern}";\n' for pattern in patterns)
    files = [ManagedFile(UPGRADES, f"{_HEADER}Unattended-Upgrade::Package-Blacklist {{\n{lines}}};\n")]
    if ours:
        files.append(ManagedFile(NOUVEAU, "# Written by edgectl.\nblacklist nouveau\noptions nouveau modeset=0\n"))
    return tuple(files)


_HEADER = (
    "// Written by edgectl. Settings belong into the inventory: what is changed here is put back.\n"
    "// What unattended-upgrades leaves alone; it comes by a deploy.\n"
)
