"""The envelope around a payload: which store, which bytes, on what it is based, who sent it.

Owns: the fields and the acceptance rule. Signatures come with pull and USB; over SSH root needs none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.wire.document import LATER
from edgectl.wire.errors import Locked, Refused


@dataclass(frozen=True, slots=True)
class Sender:
    """Who pressed the button: a person for the exit-7 sentence and the journal."""

    user: str
    host: str
    key: str = ""  # the SSH key's fingerprint, SHA256:...


@dataclass(frozen=True, slots=True)
class Envelope:
    """One accepted (or offered) change of a store."""

    store: str
    node: str
    payload: str  # digest
    runtime: str  # digest
    base: str  # digest of the payload that the sender saw as current; "" for a bare store
    sequence: int  # of the store; the sender offers what it saw plus one
    created: str  # RFC 3339, the sender's clock: shown, and held against offers
    sender: Sender
    commit: str = ""
    summary: str = ""
    accept_degraded: bool = False  # promote it also when it serves less than what ran before
    lead: str = ""  # the run of the store's first server that this node follows; "" for that server itself
    without: tuple[str, ...] = ()  # nodes that the sender could not reach: nobody waits for them
    may_reboot: bool = field(default=False, metadata=LATER)  # also outside the hours that the store has for it
    take_over: bool = field(default=False, metadata=LATER)  # what somebody else has installed and edgectl would refuse


def judge(offer: Envelope, *, store: str, current: str, sequence: int) -> None:
    """Accept an offer or say why not.

    `store` is the store this node belongs to ("" for a bare node), `current` the digest that runs ("" for none),
    `sequence` the last accepted one (0 for none).
    Raises Refused (wrong store, old sequence) or Locked (someone was faster: the base has moved).
    """
    judge_store(offer, store)
    if offer.lead:
        if offer.sequence < sequence:
            raise Refused(
                f"{offer.store}'s lead is at sequence {offer.sequence}; {offer.node} has taken {sequence} already",
                hint="is the lead's disk an old copy? deploy a change: its sequence is then past this node's",
            )
        return
    if offer.base != current:
        raise Locked(
            f"{offer.store} has changed since you looked: it runs {short(current)}, not {short(offer.base)}",
            hint="look at `edgectl journal`, then run the same command again",
        )
    if offer.sequence <= sequence:
        raise Refused(
            f"sequence {offer.sequence} is not newer than {sequence}, which {offer.store} has accepted",
            hint="run the same command again; it reads the sequence anew",
        )


def judge_store(offer: Envelope, store: str) -> None:
    """Raise Refused when the offer is for another store than the one that this node belongs to ("" for none)."""
    if store and offer.store != store:
        raise Refused(
            f"this node belongs to {store}, not to {offer.store}",
            hint="check the node's address in the inventory; to give the node to another store, remove it first",
        )


def short(digest: str) -> str:
    """Return a digest as people see it: its first 12 hex digits, or `nothing`."""
    return digest.removeprefix("sha256:")[:12] or "nothing"
