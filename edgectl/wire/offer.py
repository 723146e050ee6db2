"""An offer: one store's change, signed, as it comes by stick or by pull, with nobody on the line to ask.

Owns: the document and its limits. All else that it brings is named in it, or in the payload that it names, by digest
and size: nothing unsigned is believed. Must not know how a signature is checked.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "edgectl-offer"  # of the signature (ssh-keygen -Y sign -n): one made for another purpose is none
MOST_BYTES = 64 * 1024  # of an offer or a signature; nothing longer is read
FORMAT = 1


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
