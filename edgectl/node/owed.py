"""A way back that is owed: a candidate was turned down, and what it has changed is not all undone yet.

Owns: /var/lib/edgectl/way-back.json. It is on the disk before the rejection is: whoever is killed anywhere finds the
candidate, or the mark. It counts for the base that it names, as long as that is what runs. Nobody's hours hold up a
way back: what was turned down is in place until then.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.desired import load
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.node.reboot import record
from edgectl.node.recipe import base_of
from edgectl.wire.document import canonical
from edgectl.wire.verdict import Verdict

_GPU = "gpu"  # what GPUs are like is no part of it: a dead one would keep the store on its way back, without hours
_KEEP_HOURS = frozenset({"gpu-packages", "reboot"})  # what waits is not as declared, whatever else it says


def owe(places: Places, base: Slot, turned_down: Slot) -> None:
    """Note that the store goes back to this base; and whether the machine was restarted for what is turned down."""
    had = f"{turned_down.envelope.sequence} "
    restarted = any(asked.startswith(had) for asked in record.read(places).asked) or is_restart_owed(places, base)
    with suppress(OSError):  # a disk that this candidate has filled must not keep the store from going back
        write_atomic(places.way_back, canonical({"base": base.folder.name, "restarted": restarted}))


def is_owed(places: Places, slot: Slot | None) -> bool:
    """Tell whether the way back to this slot is not at its end."""
    return slot is not None and _read(places).get("base") == slot.folder.name


def is_restart_owed(places: Places, slot: Slot | None) -> bool:
    """Tell whether that may restart the machine at any hour, since what is undone has restarted it, too."""
    return is_owed(places, slot) and _read(places).get("restarted") is True


def restarts_back(places: Places) -> bool:
    """Tell whether this store is on such a way back now; what is tried as a candidate is not."""
    slots = Slots(places)
    return slots.candidate is None and is_restart_owed(places, slots.current)


def settle(places: Places, slot: Slot, apps: Slot, verdict: Verdict) -> None:
    """Forget it when the base stands as declared, or when another one is what runs."""
    if places.way_back.exists() and not (is_owed(places, slot) and not _stands(places, slot, apps, verdict)):
        with suppress(OSError):
            places.way_back.unlink(missing_ok=True)


def _stands(places: Places, slot: Slot, apps: Slot, verdict: Verdict) -> bool:
    try:
        names = {
            name for name in base_of(*load(places, slot, apps)) if name in _KEEP_HOURS or not name.startswith(_GPU)
        }
    except (OSError, ValueError):
        return False
    base = [step for step in verdict.steps if step.id in names]
    fine = all(step.status == "current" and not (step.absent and step.id in _KEEP_HOURS) for step in base)
    return fine and {step.id for step in base} == names


def _read(places: Places) -> dict[str, Any]:
    try:
        doc = json.loads(places.way_back.read_bytes())
    except (OSError, ValueError):
        return {}
    return doc if isinstance(doc, dict) else {}
