"""What one node is offered: all that a deploy of it needs, rendered. Owns no conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.control.link.secret import Secret
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.k3s import Versions
from edgectl.wire.meant import Meant
from edgectl.wire.payload import Models


@dataclass(frozen=True, slots=True)
class SignedOffer:
    """What makes an offer count that an account brings which is not root's: as a stick has it, and what stands beside.

    `nonce` goes with the values of secrets; `payload` is sent where the node lacks it, b"" where it has it.
    """

    data: bytes
    signature: bytes = field(repr=False)
    nonce: Secret
    payload: bytes = field(repr=False)

    def fields(self) -> dict[str, str]:
        """Return what goes beside an envelope."""
        return {"offer": self.data.decode(), "signature": self.signature.decode()}


@dataclass(frozen=True, slots=True)
class Offer:
    """All that a deploy of one node needs, rendered."""

    store: str
    node: str
    payload: str  # digest
    runtime: str  # digest
    blobs: dict[str, int]  # digest -> bytes, the payload's own included
    sources: dict[str, Path | bytes]  # digest -> what is sent for it
    sender: Sender
    names: Mapping[str, str] = field(default_factory=dict)  # digest -> of what thing it is (edgectl.wire.thing)
    commit: str = ""
    summary: str = ""
    accept_degraded: bool = False
    take_over: bool = False
    meant: Meant | None = None  # the machine that it is for
    may_reboot: bool = False  # also outside the hours that the store has for it
    led: Led | None = None
    without: tuple[str, ...] = ()  # nodes that were not reached
    upon: str | None = None  # digest of what must run there still ("": nothing); None where the greeting alone decides
    after: int = 0  # the newest sequence that any other node of the store has taken
    values: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)  # of secrets; for the lead alone
    signed: SignedOffer | None = None  # there where an account brings it that is not root's
    keeps: frozenset[str] = frozenset()  # the keys (fingerprints) that such an account may come with afterwards
    asked: Mapping[str, str] = field(
        default_factory=dict
    )  # for the node's audit: what this is, and our own audit's head
    k3s: Versions | None = None  # judged by what the node runs, before a byte goes
    models: Models | None = None  # judged by the node's budget before a byte goes

    def beside(self) -> dict[str, Any]:
        """Return what goes beside the envelope, secrets included: to be sent, never kept or shown."""
        given: dict[str, Any] = {"join_token": self.led.join_token.reveal()} if self.led and not self.signed else {}
        if self.signed:
            given |= self.signed.fields()
        if self.values and not self.led:
            given["values"] = {
                name: {key: value.reveal() for key, value in values.items()} for name, values in self.values.items()
            }
            if self.signed:
                given["nonce"] = self.signed.nonce.reveal()
        if self.names:
            given["names"] = [self.names.get(digest, "") for digest in sorted(self.blobs)]
        if self.asked:
            given["asked"] = dict(self.asked)
        return given

    def judged_first(self, runs: str) -> dict[str, Any]:
        """Return what a node judges before a byte comes: the machine, k3s where it may be another one, models."""
        said = {"machine": self.meant, "k3s": self.k3s if self.payload != runs else None, "models": self.models}
        return {name: to_json(one) for name, one in said.items() if one}


@dataclass(frozen=True, slots=True)
class Led:
    """What a node that follows the store's lead is given besides: the lead's run and sequence, and its token."""

    run: str
    sequence: int
    join_token: Secret
