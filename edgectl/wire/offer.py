"""An offer: one store's change, signed, as it comes by stick or by pull, with nobody on the line to ask.

Owns: the document and its limits. All else that it brings is named in it, or in the payload that it names, by digest
and size: nothing unsigned is believed. Must not know how a signature is checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from edgectl.wire.document import LATER, canonical, from_json, is_digest
from edgectl.wire.trust import LATEST

NAMESPACE = "edgectl-offer"  # of the signature (ssh-keygen -Y sign -n): one made for another purpose is none
MOST_BYTES = 64 * 1024  # of an offer or a signature; nothing longer is read
FORMAT = 1
ORDERS = ("accept_degraded", "may_reboot", "take_over")  # what a person asks for besides: in envelopes, and signed
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is named: its digest and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What one store should become. Lies in a bundle as offers/STORE.json, its signature in offers/STORE.json.sig."""

    store: str
    serial: int  # seconds since 1970 when it was signed; a node takes only newer ones
    expires: int  # seconds since 1970; judged once, when it is accepted
    payload: Part
    runtime: Part  # the engine's tar, not compressed: its digest is its name everywhere
    commit: str = ""
    summary: str = ""
    format: int = FORMAT
    accept_degraded: bool = field(default=False, metadata=LATER)  # ORDERS, as in the envelope
    may_reboot: bool = field(default=False, metadata=LATER)
    take_over: bool = field(default=False, metadata=LATER)
    values: str = field(default="", metadata=LATER)  # what stands for values of secrets (launch.commitment); "": none

    def encode(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical(self) + b"\n"


def orders_of(offer: Offer) -> dict[str, Any]:
    """Return what an offer asks for besides, as an envelope has it."""
    return {order: getattr(offer, order) for order in ORDERS}


def decode(data: bytes) -> Offer:
    """Read an offer; ValueError says in half a sentence why it is none."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES} bytes")
    try:
        doc = json.loads(data.decode(), object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"it cannot be read: {error}") from error
    found = doc.get("format") if isinstance(doc, dict) else None
    if found != FORMAT:
        shown = found if isinstance(found, int) and abs(found) <= LATEST else "without a number"
        raise ValueError(f"its format ({shown}) is not known here, only {FORMAT} is")
    offer = from_json(Offer, doc)
    if not _NAME.fullmatch(offer.store):
        raise ValueError("its store's name is none")
    if not 0 < offer.serial <= offer.expires <= LATEST:
        raise ValueError("its times are none")
    for part in (offer.payload, offer.runtime):
        if not is_digest(part.digest) or not 0 < part.size < 1 << 53:
            raise ValueError("what it names has no digest and size")
    if offer.values and not is_digest(offer.values):
        raise ValueError("what stands in it for values is no digest")
    if not (offer.commit.isprintable() and offer.summary.isprintable()):
        raise ValueError("its words are not printable")
    return offer


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found
