"""A store of several nodes: the lead says what has been decided, the others follow it and say how they stand.

Owns: two annotations of the cluster's Node objects, and what an agent makes of the lead's. They are told and read as
well as can be: who is cut off goes on with what it has, and the next run tells or hears again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.desired import is_one_way, load
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.k3s.joined import STANDS, annotation, path_of
from edgectl.node.load.kept import take_kept
from edgectl.node.receive import absent
from edgectl.wire import event
from edgectl.wire.document import canonical
from edgectl.wire.payload import Node, part_of
from edgectl.wire.verdict import INTERRUPTED, Verdict

DECIDED = "edgectl.local/decided"  # an annotation of each other node, by the lead: {sequence, base, engine, apps}
_FINE = frozenset({"ready", "degraded"})


def tell(places: Places, slots: Slots, hands: Hands, verdict: Verdict) -> None:
    """After a run: the lead tells the others what was decided, the others say how they stand."""
    slot = slots.current or slots.candidate
    sequence = slots.sequence  # first: a deploy may be accepted meanwhile
    if slot is None:
        return
    with suppress(OSError, ValueError, LookFailed, Denied):  # the next run tells it again
        payload, node = load(places, slot, slots.apps_of(slot))
        if len(payload.nodes) == 1:
            return
        if node.name != payload.lead.name:
            _write(hands, node.name, STANDS, _standing(slots, node, verdict))
        elif slots.candidate is None and verdict.word != INTERRUPTED:  # a heal that steps aside decides nothing
            decided = {
                "sequence": sequence,
                "base": slot.envelope.payload,
                "engine": slot.envelope.runtime,
                "apps": slots.apps_of(slot).envelope.payload,
            }
            for other in payload.nodes:
                if other.name != node.name:
                    with suppress(LookFailed, Denied):
                        _write(hands, other.name, DECIDED, decided)


def heed(places: Places, slots: Slots, look: Look) -> Slot | None:
    """Follow what the lead has decided, as far as its content is here; returns what to converge from now on.

    The lead's word counts only about sequences that it has decided: while it still tries what this node has taken
    with it, this node stays.
    """
    slot = slots.candidate or slots.current
    current = slots.current
    if slot is None or current is None or not slot.envelope.lead:
        return slot
    try:
        said = annotation(look.api.get(path_of(slot.envelope.node)), DECIDED)
    except (LookFailed, Denied):
        return slot
    sequence = said.get("sequence")
    if not isinstance(sequence, int) or sequence < slot.envelope.sequence:
        return slot
    with suppress(OSError):  # a full disk, say: the next run takes it
        take_kept(places, slots, said)
    slot = slots.candidate or current
    base, apps = _newest(slots, said.get("base")), _newest(slots, said.get("apps"))
    if base is None or apps is None or base.rejected or not _can_go(places, slots, base, apps):
        return slot
    candidate = slots.candidate
    if candidate is not None and base.envelope.payload == candidate.envelope.payload:
        return slot  # still to be tried here
    try:
        if candidate is not None:
            slots.reject(candidate, reason="the store's lead has gone back", time=event.now(), run="")
        runs = (current.envelope.payload, slots.apps_of(current).envelope.payload)
        if (base.envelope.payload, apps.envelope.payload) != runs:
            slots.promote(base, apps=apps, word="followed", time=event.now())
    except OSError:  # a full disk, say: the next run follows
        pass
    return slots.candidate or slots.current


def _can_go(places: Places, slots: Slots, base: Slot, apps: Slot) -> bool:
    """Tell whether all of it is here, and k3s need not go back by a minor version."""
    current = slots.current
    try:
        payload, node = load(places, base, apps)
        if (
            absent(places, payload.blobs_of(node))
            or not (places.runtime(base.envelope.runtime) / "__main__.py").is_file()
        ):
            return False
        return current is None or not is_one_way(payload, load(places, current)[0])
    except (OSError, ValueError):
        return False


def _standing(slots: Slots, node: Node, verdict: Verdict) -> dict[str, Any]:
    """Return how this node stands, by the name of what it should be, and which sequence it has turned down."""
    said: dict[str, Any] = {
        "part": part_of(node) if verdict.word in _FINE else "",
        "word": verdict.word,
        "reason": verdict.reason[:300],
    }
    newest = next(iter(slots.all()), None)
    if newest is not None and (rejected := newest.rejected):
        said |= {"rejected": newest.envelope.sequence, "why": str(rejected.get("reason", ""))[:300]}
    return said


def _newest(slots: Slots, payload: object) -> Slot | None:
    return next((slot for slot in slots.all() if slot.envelope.payload == payload), None)


def _write(hands: Hands, name: str, key: str, doc: dict[str, Any]) -> None:
    found = hands.api.get(path_of(name))
    if found is not None and annotation(found, key) != doc:
        hands.api.annotate(path_of(name), {key: canonical(doc).decode()})
