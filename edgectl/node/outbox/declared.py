"""Where this node tells of itself, as its store declares it, and what proves who it is.

Owns: reading both from what the node has. Must not know what is told. The token leaves towards the uplink only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.secrets.values import newest
from edgectl.wire.payload import Uplink
from edgectl.wire.upward import refused


@dataclass(frozen=True, slots=True)
class Declared:
    """One node's way up. `wrong` says why it cannot be used; "" when it can."""

    store: str
    node: str
    uplink: Uplink
    token: str = field(default="", repr=False)
    wrong: str = ""


def declared(places: Places) -> Declared | None:
    """Return this node's way up; None where its store declares none."""
    slots = Slots(places)
    slot = slots.current or slots.candidate
    if slot is None:
        return None
    try:
        payload, node = load(places, slot, slots.apps_of(slot))
    except (OSError, ValueError):
        return None
    if payload.uplink is None:
        return None
    way = Declared(payload.store, node.name, payload.uplink)
    if why := refused(payload.uplink.url):
        return Declared(way.store, way.node, way.uplink, wrong=f"the uplink's address is refused: {why}")
    if not payload.uplink.secret:
        return way
    token = _token(Look(places), payload.uplink.secret)
    if not token:
        where = "" if node.name == payload.lead.name else f"; the store's secrets lie on {payload.lead.name} alone"
        return Declared(
            way.store, way.node, way.uplink, wrong=f"the secret {way.uplink.secret} is not on this node{where}"
        )
    if not (token.isascii() and token.isprintable() and " " not in token):
        return Declared(way.store, way.node, way.uplink, wrong=f"the secret {way.uplink.secret} is no bearer token")
    return Declared(way.store, way.node, way.uplink, token)


def _token(look: Look, secret: str) -> str:
    name, _, key = secret.partition("/")
    try:
        return newest(look).get(name, {}).get(key, "").strip()
    except LookFailed:
        return ""
