"""What is offered, held against what this node has: who may become what, and what is the same again.

Owns: the rules by which an offer is taken or refused (exit 7 and 11), whichever way it comes. Changes nothing but the
mark of a slot that a person asks for again.
"""

from __future__ import annotations

from contextlib import suppress

from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.desired import load
from edgectl.node.entry import meet_older
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.k3s import skew
from edgectl.node.models.budget import judge_names, refuse_over
from edgectl.node.receive import absent
from edgectl.wire.document import from_json
from edgectl.wire.envelope import Envelope, judge, short
from edgectl.wire.errors import Refused
from edgectl.wire.k3s import Versions, versions_of
from edgectl.wire.payload import Node, Payload, decode


def judged(slots: Slots, offer: Envelope) -> None:
    """Raise Refused or Locked when the offer is not for this store as it is now."""
    current = slots.current
    belongs_to = current or slots.candidate
    judge(
        offer,
        store=belongs_to.envelope.store if belongs_to else "",
        current=current.envelope.payload if current else "",
        sequence=slots.sequence,
    )


def same(slots: Slots, accepted: Slot, offer: Envelope) -> bool:
    """Tell whether what is offered is accepted already, and not turned down in part.

    A follower takes the lead's sequences one by one: an older one of the same content may have been gone back from.
    """
    found = accepted.envelope
    if offer.lead and found.sequence != offer.sequence:
        return False
    same = (found.payload, found.runtime, found.node) == (offer.payload, offer.runtime, offer.node)
    return same and slots.apps_of(accepted).folder == accepted.folder


def heard(slots: Slots, newest: Slot | None, offer: Envelope) -> None:
    """Let a person's deploy try again what was turned down here under this number; refuse anything else under it."""
    if not offer.lead or offer.sequence != slots.sequence or (newest and same(slots, newest, offer)):
        return
    slot = next(slot for slot in slots.all() if slot.envelope.sequence == offer.sequence)
    if slot.envelope.payload != offer.payload:
        raise Refused(
            f"{offer.node} has taken something else as sequence {offer.sequence}",
            hint="is the lead's disk an old copy? deploy a change: its sequence is then past this node's",
        )
    slots.try_again(slot)


def check(places: Places, slots: Slots, offer: Envelope) -> Node:
    """Return what this node should be; Refused when it cannot become that, or does not hold all of it."""
    try:
        payload = decode(places.blob(offer.payload).read_bytes())
        node = payload.node(offer.node)
    except (OSError, ValueError) as error:
        raise Refused(f"the payload cannot be read here: {error}", hint="deploy with a matching edgectl") from error
    except KeyError as error:
        raise Refused(f"the payload has no node {offer.node}") from error
    if payload.store != offer.store:
        raise Refused(
            f"the payload is for {payload.store}, the envelope for {offer.store}", hint="send or export it anew"
        )
    if (node.name == payload.lead.name) == bool(offer.lead):
        raise Refused(
            f"{offer.store} is led by {payload.lead.name}: {offer.node} takes "
            + ("nobody else's lead" if offer.lead else "only what that node has taken"),
            hint=f"edgectl deploy {offer.store} asks both",
        )
    if missing := absent(places, payload.blobs_of(node)):
        raise Refused(
            f"{len(missing)} of {len(payload.blobs)} blobs of payload {short(offer.payload)} are not on this node",
            hint="deploy the commit that it came from; that sends them",
        )
    if not (places.runtime(offer.runtime) / "__main__.py").is_file():
        raise Refused(f"the engine {short(offer.runtime)} is not on this node", hint="deploy with it; that sends it")
    if payload.models:
        judge_names(payload.models)
        refuse_over(places, payload.models.current, payload.blobs, payload.models.budget_bytes)
    runs = _loaded(places, slots.current)[1]
    if runs is not None:
        _keeps_its_role(runs, node)
    may_follow(places, offer.store, versions_of(payload), offer.node)
    return node


def may_follow(places: Places, store: str, wanted: Versions, node: str) -> None:
    """Raise Refused where the versions of k3s cannot be, beside each other or after what runs on this node."""
    slots = Slots(places)
    running, before = (_loaded(places, slot)[0] for slot in (slots.current, slots.previous))
    was, ran = (versions_of(one) if one else None for one in (running, before))
    skew.refuse(store, wanted, node, was, ran)


def may_follow_said(places: Places, offer: Envelope, said: object) -> None:
    """Judge the versions that the other side says of its payload, before a byte of it comes; none said, none judged.

    The payload itself is judged all the same when it has come.
    """
    if said is None:
        return
    try:
        wanted = from_json(Versions, said)
    except ValueError as error:
        why = f"the versions of k3s cannot be read here: {error!s:.200}"
        raise Refused(why, hint="use the same edgectl version everywhere") from error
    may_follow(places, offer.store, wanted, offer.node)
    meet_older(Look(places), Slots(places), offer, wanted.of.get(offer.node, ""))


def _loaded(places: Places, slot: Slot | None) -> tuple[Payload, Node] | tuple[None, None]:
    """Return what a slot wants; nothing where that cannot be read: a deploy is the remedy."""
    with suppress(OSError, ValueError):
        return load(places, slot) if slot is not None else (None, None)
    return None, None


def _keeps_its_role(runs: Node, node: Node) -> None:
    if runs.role != node.role:
        raise Refused(
            f"{node.name} is its store's {runs.role}; k3s cannot make it the {node.role} in place",
            hint=f"declare role: {runs.role}, or install the node anew",
        )
