"""What this node keeps of trust: the newest document that it was given, and the newest offer that it has taken.

Owns: trust.json (with its own digest, so that a hand's edit is seen) and heard.json below Places.trust, both old or
new. Must not know signatures, nor who may give a trust: whoever may deploy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, digest_of, from_json
from edgectl.wire.offer import Offer
from edgectl.wire.trust import Trust

FILE = "trust.json"
MODE = 0o644  # public keys: anybody at the rack may read whose


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest offer that was taken, and under which version of trust."""

    trust: int
    store: str
    serial: int
    payload: str
    runtime: str

    @classmethod
    def of(cls, offer: Offer, trust: Trust) -> Heard:
        """Return what is noted of an offer."""
        return cls(trust.version, offer.store, offer.serial, offer.payload.digest, offer.runtime.digest)


class Damaged(Exception):
    """What stands in trust.json is not what edgectl wrote there."""


def trust_of(look: Look) -> Trust | None:
    """Return the newest trust ever given; None when there was none. Raises Damaged, LookFailed."""
    text = look.text(look.places.trust / FILE)
    if text is None:
        return None
    try:
        doc = json.loads(text)
        trust = from_json(Trust, doc["trust"])
        whole = doc["digest"] == digest_of(canonical(trust)) and set(doc) == {"digest", "trust"}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged("it cannot be read") from error
    if not whole:
        raise Damaged("it was changed by hand")
    return trust


def heard_of(look: Look) -> Heard | None:
    """Return the newest offer taken; what cannot be read counts as none. Raises LookFailed."""
    try:
        return from_json(Heard, json.loads(look.text(look.places.trust / "heard.json") or "null"))
    except (ValueError, RecursionError):
        return None


def note_heard(places: Places, offer: Offer, trust: Trust) -> None:
    """Keep that this offer was taken, unless a newer one was under the same trust. Raises OSError."""
    had = heard_of(Look(places))
    if had is not None and had.trust == trust.version and had.serial > offer.serial:
        return
    write_atomic(places.trust / "heard.json", canonical(Heard.of(offer, trust)) + b"\n", mode=MODE)
