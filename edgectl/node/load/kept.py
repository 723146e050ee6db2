"""What a node that follows was given by stick: kept, verified and whole, until its lead has decided for the same.

Owns: /var/lib/edgectl/offers/kept.json, old or new. So a store of several nodes never runs two sets, whichever node
the stick comes to first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.node.judged import check
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Refused


def keep(places: Places, offer: Envelope, evidence: Mapping[str, bytes]) -> None:
    """Keep an offer whose content is all here. Raises OSError."""
    files = {name: data.decode() for name, data in evidence.items()}
    write_atomic(_path(places), canonical({"envelope": to_json(offer), "files": files}))


def forget(places: Places) -> None:
    """Forget it: taken, or something newer was given to this node."""
    _path(places).unlink(missing_ok=True)


def kept(places: Places) -> Envelope | None:
    """Return the envelope that is kept; None when there is none."""
    found = _read(places)
    return found[0] if found else None


def take_kept(places: Places, slots: Slots, said: Mapping[str, Any]) -> None:
    """Accept what is kept under the lead's sequence, if that is what the lead has decided. Raises OSError."""
    found = _read(places)
    sequence = said.get("sequence")
    if found is None or found[0].payload != said.get("base") or type(sequence) is not int or sequence < slots.sequence:
        return
    if found[0].runtime != said.get("engine", found[0].runtime):  # an older lead does not say it
        return
    offer = replace(found[0], sequence=sequence)
    same = next((slot for slot in slots.all() if slot.envelope.sequence == sequence), None)
    if same is not None and same.envelope.payload != offer.payload:
        return
    if same is None or same.rejected:
        try:
            check(places, slots, offer)
        except Refused:
            return
        if same is not None:
            slots.try_again(same)
        slots.accept(offer, found[1])
    forget(places)


def _path(places: Places) -> Path:
    return places.offers / "kept.json"


def _read(places: Places) -> tuple[Envelope, dict[str, bytes]] | None:
    try:
        doc = json.loads(_path(places).read_bytes())
        return from_json(Envelope, doc["envelope"]), {name: text.encode() for name, text in doc["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
