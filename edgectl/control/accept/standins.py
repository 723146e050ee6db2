"""What stands in for real things on a machine that is accepted: found by what the machine says, never assumed. Pure.

Owns: the names of the stand-ins, and which part of an acceptance each of them takes the ground from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgectl.control.accept.row import OK, STOOD_IN, Row
from edgectl.wire.lab import LabFacts

MACHINE, K3S, GPU, LINK = "machine", "k3s", "GPU", "link"
PARTS = {
    "contract": K3S,
    "gpu": GPU,
    "storm": MACHINE,
    "transfer": LINK,
}  # part of the acceptance -> what it is all about
_OFFICIAL = re.compile(r"k3s version v\S+ \([0-9a-f]{7,40}\)")


def standins(facts: LabFacts, *, loopback: bool, has_gpu: bool) -> dict[str, str]:
    """Return each thing that is stood in for, and how that is known."""
    found: dict[str, str] = {}
    if facts.container:
        found[MACHINE] = f"it is a container ({facts.virtual}) on another machine's kernel"
    if not _OFFICIAL.fullmatch(facts.k3s):
        found[K3S] = f"`k3s --version` says {facts.k3s or 'nothing'}: no build of k3s's own"
    if has_gpu and not facts.gpu_device:
        found[GPU] = "/dev/nvidia0 is no device of a driver that the kernel knows"
    if loopback:
        found[LINK] = "the line to it never leaves this machine"
    return found


def stood(rows: Iterable[Row], found: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows: what has held on a stand-in has not been seen on the real thing."""
    return tuple(
        replace(row, word=STOOD_IN, why=row.why or f"{PARTS[row.part]}: {found[PARTS[row.part]]}")
        if row.word == OK and PARTS.get(row.part) in found
        else row
        for row in rows
    )
