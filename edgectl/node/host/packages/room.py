"""Whether what comes has room where it goes: looked at before dpkg begins, which would end half way."""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.node.host.packages.installed import database
from edgectl.node.host.packages.stanzas import Stanza
from edgectl.node.io.look import Look

_SPARE_BYTES = 64 << 20  # dpkg's database, an initramfs, what scripts make


def lacks(read: Look, comes: Iterable[Stanza]) -> str:
    """Return why there is no room; "" where there is. New files lie beside the old ones until both are whole."""
    root = read.places.root
    size = sum(one.installed_bytes for one in comes)
    for place, need in ((root / "usr", size + _SPARE_BYTES), (root / "etc", 0), (database(read.places), _SPARE_BYTES)):
        if not place.is_dir():
            continue
        if read.is_read_only(place):
            return f"{place} is mounted read-only, nothing can be installed: dmesg says why; then mount -o remount,rw"
        free = read.free_bytes(place)
        if free < need:
            needs = f"the packages need {need / 1e6:.0f} MB: make room (df -h {place})"
            return f"{place} has {free / 1e6:.0f} MB free, {needs}"
    return ""
