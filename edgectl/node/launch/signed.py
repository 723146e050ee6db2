"""What a deploy user brings over the link: taken as from a stick, by the signature of its offer and by nothing else.

Owns: which words of such a session count (those that are signed, and how they come), and the way of its deploys. What
an operator says beside them is judged against the signed offer, or left out. Must not know what needs no signature.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from edgectl.node.accept import accept
from edgectl.node.audit import by_signature
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import EVIDENCE, Slots
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.load.kept import forget
from edgectl.node.models import ahead
from edgectl.node.push import Link, stage
from edgectl.node.trust.accept import accepted, note_heard, signed_by, trust_here
from edgectl.wire.document import digest_of, from_json, is_digest, to_json
from edgectl.wire.envelope import Envelope, Sender, judge_store
from edgectl.wire.errors import Refused
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.launch import commitment
from edgectl.wire.offer import MOST_BYTES, Offer, orders_of
from edgectl.wire.payload import Payload, decode

_PAYLOAD_BYTES = 16 << 20  # it is read whole
_MOST_AHEAD = 1000  # sequences that one deploy may pass over; numbers without an end would shut later ones out
_SAME = "use the same edgectl version everywhere"
_WORDS = ("names", "layers", "models", "k3s", "foretell", "asked")  # they save bytes, or refuse earlier


@dataclass(frozen=True)
class Signed:
    """An offer that this node takes, the frame with which it came, cleaned, and the envelope that counts."""

    offer: Offer
    evidence: Mapping[str, bytes]
    envelope: Envelope
    frame: dict[str, Any]


def vetted(places: Places, frame: dict[str, Any]) -> Signed:
    """Return what of a frame counts; Refused says why nothing does."""
    data, signature = (str(frame.get(name, "")).encode() for name in ("offer", "signature"))
    if not data or not signature:
        raise Refused(
            "nobody has signed this: an account that is not root brings only what is signed",
            hint="sign with a key that this node trusts (edgectl keys list), or deploy as root (ssh.user: root)",
        )
    look = Look(places)
    offer = _accepted(places, look, data, signature)
    try:
        signer = signed_by(look, signature)
        envelope = _envelope(Slots(places), frame, offer, Sender(signer.who, "", signer.fingerprint))
        blobs = {str(digest): int(size) for digest, size in frame["blobs"].items()}
    except LookFailed as failure:
        raise Refused(f"the offer cannot be judged: {failure.reason}", hint="look at this node's disk") from failure
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"what came with the offer cannot be read: {error!s:.200}", hint=_SAME) from error
    clean = {name: frame[name] for name in _WORDS if name in frame}
    if frame.get("values"):
        clean["values"] = _values(frame, offer)
    clean |= {"op": frame["op"], "envelope": to_json(envelope), "blobs": blobs}
    return Signed(offer, dict(zip(EVIDENCE, (data, signature), strict=True)), envelope, clean)


def _accepted(places: Places, look: Look, data: bytes, signature: bytes) -> Offer:
    try:
        return accepted(places, look, data, signature, now=time.time())
    except Refused as error:
        if "bundle export" in error.hint:  # of a stick; over a link, another offer is signed each time
            error.hint = "are the clocks right, here and there (timedatectl)? then run the same command again"
        raise


def deploy(places: Places, frames: Frames, signed: Signed) -> tuple[str, int]:
    """Take a deploy; returns (run id, sequence) of the run that was started or met. Raises as push.deploy does."""
    return accept(places, signed.envelope, _SignedLink(places, frames, signed))


def staged(places: Places, frames: Frames, signed: Signed) -> int:
    """Take the content of a deploy that will follow; returns the newest sequence taken here."""
    return stage(places, frames, signed.frame, first=lambda: _limit(places, frames, signed))


def ahead_of(places: Places, frames: Frames, signed: Signed) -> int:
    """Take the models to come of a signed payload; returns the newest sequence taken here."""

    def limit() -> None:
        models = _payload(places, frames, signed.offer).models
        coming = replace(models, current=()) if models is not None else None
        if coming is None or signed.frame.get("models") != to_json(coming):
            raise Refused("the models that come are not those of the signed payload", hint=_SAME)
        signed.frame["blobs"] = {
            digest: coming.sizes[digest] for model in coming.next for digest in model.files.values()
        }

    return stage(places, frames, signed.frame, judged=ahead.expect, first=limit)


def planned(signed: Signed, frame: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's frame: what is looked at is the signed payload, which follows in so many bytes."""
    if frame.get("bytes") != signed.offer.payload.size or signed.offer.payload.size > _PAYLOAD_BYTES:
        raise Refused("another payload is to be looked at than the signed one", hint=_SAME)
    return {**signed.frame, "bytes": signed.offer.payload.size}


def _envelope(slots: Slots, frame: dict[str, Any], offer: Offer, who: Sender) -> Envelope:
    said = from_json(Envelope, frame["envelope"])
    belongs = slots.current or slots.candidate
    if belongs is not None:
        judge_store(said, belongs.envelope.store)
        if said.node != belongs.envelope.node:
            raise Refused(
                f"this is {belongs.envelope.node}, not {said.node}", hint="check the node's address in the inventory"
            )
    if (said.store, said.payload, said.runtime) != (offer.store, offer.payload.digest, offer.runtime.digest):
        raise Refused("what is asked for is not what is signed", hint=_SAME)
    if said.sequence > slots.sequence + _MOST_AHEAD:  # also of a follower: who leads it is not signed, either
        raise Refused(f"sequence {said.sequence} is too far from {slots.sequence}", hint="deploy once as root")
    claimed = f"{said.sender.user}@{said.sender.host}"[:100]
    return replace(
        said,
        created=datetime.fromtimestamp(offer.serial, timezone.utc).isoformat(timespec="seconds"),
        sender=replace(who, host="".join(sign for sign in claimed if sign.isprintable())),
        commit=offer.commit,
        summary=offer.summary,
        **orders_of(offer),
    )


def _values(frame: dict[str, Any], offer: Offer) -> dict[str, dict[str, str]]:
    """Return the values of secrets that the offer stands for; Refused for any other."""
    values = frame["values"]
    if not offer.values or commitment(str(frame.get("nonce", "")), values) != offer.values:
        raise Refused("the values of the secrets are not those that were signed", hint=_SAME)
    return {str(name): dict(keys) for name, keys in values.items()}


def _limit(places: Places, frames: Frames, signed: Signed) -> None:
    """Take nothing but what the signed payload names: bring it first, and leave out what else is offered."""
    payload, asked = _payload(places, frames, signed.offer), signed.frame["blobs"]
    named = {**payload.blobs, signed.offer.payload.digest: signed.offer.payload.size}
    signed.frame["blobs"] = {digest: size for digest, size in named.items() if digest in asked}


def _payload(places: Places, frames: Frames, offer: Offer) -> Payload:
    """Return the signed payload, which is asked for where it is not here."""
    part, path = offer.payload, places.blob(offer.payload.digest)
    if part.size > _PAYLOAD_BYTES:
        raise Refused(f"the payload is larger than a payload is: {part.size} bytes", hint=_SAME)
    data = b""
    with suppress(OSError):
        data = path.read_bytes()
    if digest_of(data) != part.digest:
        frames.send("payload")
        data = _inflated(frames, part.size)
        if digest_of(data) != part.digest:
            raise Refused("the payload has come with other bytes than its digest says", hint="run the command again")
        write_atomic(path, data)
    try:
        payload = decode(data)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the payload cannot be read here: {error!s:.200}", hint=_SAME) from error
    if any(not is_digest(digest) or size < 0 for digest, size in payload.blobs.items()):
        raise Refused("the payload names content that has no digest and size", hint=_SAME)
    return payload


def _inflated(frames: Frames, size: int) -> bytes:
    frame = frames.receive()
    while frame["op"] == "beat":
        frame = frames.receive()
    count = frame.get("bytes")
    if frame["op"] != "payload" or not isinstance(count, int) or not 0 < count <= size + MOST_BYTES:
        raise FrameError(f"unexpected frame {frame['op']!r} where the payload was expected")
    packed = bytearray()
    frames.receive_bytes(count, packed.extend)
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(packed, size + 1)
    return b""


class _SignedLink(Link):
    """The way of a signed deploy."""

    def __init__(self, places: Places, frames: Frames, signed: Signed) -> None:
        super().__init__(places, frames, signed.frame, signed.envelope)
        sender = signed.envelope.sender
        self.by = {**by_signature(sender, "ssh"), "from": sender.host}
        self._signed = signed

    def bring(self) -> None:
        """Bring the payload, then what of it lacks."""
        if self._signed.envelope.lead and Look(self._places).text(self._places.join_token) is None:
            raise Refused(
                f"{self._signed.envelope.node} has never joined its cluster, and what it joins with is root's alone",
                hint="deploy this node once as root (ssh.user: root)",
            )
        _limit(self._places, self._frames, self._signed)
        super().bring()

    def keep(self) -> None:
        """Keep the values, and never take anything older from now on."""
        super().keep()
        note_heard(self._places, self._signed.offer, trust_here(Look(self._places)))

    def accept(self, slots: Slots, offer: Envelope) -> None:
        """Accept it, with the signed bytes beside it."""
        slots.accept(offer, self._signed.evidence)

    def taken(self) -> None:
        """Forget what came by stick before: it is older."""
        forget(self._places)
