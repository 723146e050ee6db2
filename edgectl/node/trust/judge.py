"""Whether an offer that is well signed is taken: pure judgement, once, when it comes.

Owns: the order of the questions and their sentences. Nothing at boot or in a converge asks them again: an offer that
was taken stays taken whatever becomes of its key. Must not know files or programs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase

from edgectl.node.trust.kept import Heard
from edgectl.wire.errors import Refused
from edgectl.wire.offer import NAMESPACE, Offer
from edgectl.wire.sshsig import Signed, fingerprint
from edgectl.wire.trust import Signer, Trust, blob_of, written

_EXPORT = "make a new one: edgectl bundle export STORE --to DIR --sign-with KEY"
_CLOCK = "is the clock right (timedatectl)? set it and load again"
_LEARN = "sign with a key that this node knows (edgectl-node trust), or deploy once over SSH: that brings the new trust"


@dataclass(frozen=True, slots=True)
class Stands:
    """How this node stands when an offer comes."""

    store: str  # that it belongs to; "" for a bare node
    heard: Heard | None = None
    payload: str = ""  # that runs
    runtime: str = ""
    created: str = ""  # of the envelope that runs, by its sender's clock
    sender: str = ""  # the fingerprint of whose key has brought it


def signer_of(trust: Trust, signed: Signed) -> Signer:
    """Return whose key has signed; Refused when it is nobody's, revoked, or signed something else."""
    name = fingerprint(signed.key)
    if signed.namespace != NAMESPACE:
        raise Refused(
            f"{name} has signed this for {signed.namespace!r:.80}, not as an offer of edgectl",
            hint=_EXPORT,
        )
    found = next((signer for signer in trust.signers if _blob(signer) == signed.key), None)
    if name in trust.revoked:
        whose = f" of {found.who}" if found else ""
        raise Refused(
            f"the key{whose} that signed this offer is revoked ({name}, trust version {trust.version})",
            hint="do not use this offer before you know who made it; have it signed with another key",
        )
    if found is None:
        raise Refused(f"this node does not know the key that signed this offer ({name})", hint=_LEARN)
    return found


def judge(trust: Trust, signer: Signer, offer: Offer, stands: Stands, *, now: float) -> bool:
    """Return whether an offer is new (False: it is the one that was taken already); Refused when it is not taken."""
    if stands.store and offer.store != stands.store:
        raise Refused(
            f"this node belongs to {stands.store}, and the offer is for {offer.store}",
            hint=f"export for it: edgectl bundle export {stands.store} --to DIR --sign-with KEY",
        )
    if not any(fnmatchcase(offer.store, pattern) for pattern in signer.stores):
        raise Refused(
            f"{signer.who} may not sign for {offer.store} ({signer.fingerprint} signs for {', '.join(signer.stores)})",
            hint=_LEARN,
        )
    if _is_taken(trust, offer, stands):
        return False
    _judge_serial(trust, offer, stands)
    _judge_times(signer, offer, floor=floor_of(trust, stands), now=now)
    return True


def floor_of(trust: Trust, stands: Stands) -> int:
    """Return the newest time that this node has word of: it is at least so late, whatever its clock says."""
    return max(trust.created, _heard(trust, stands), _dated(trust, stands))


def seconds_of(created: str) -> int:
    """Return an envelope's time in seconds since 1970; 0 when it is none."""
    try:
        found = datetime.fromisoformat(created.replace("Z", "+00:00"))
        return int((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        return 0


def _blob(signer: Signer) -> bytes:
    try:
        return blob_of(signer.key)
    except ValueError:
        return b""


def _heard(trust: Trust, stands: Stands) -> int:
    heard = stands.heard
    return heard.serial if heard is not None and heard.trust == trust.version else 0


def _dated(trust: Trust, stands: Stands) -> int:
    """Return when what runs was sent; what a revoked key has dated (into the far future, say) counts no more."""
    return 0 if stands.sender in trust.revoked else seconds_of(stands.created)


def _is_taken(trust: Trust, offer: Offer, stands: Stands) -> bool:
    """Tell whether it was taken last: under this trust, or under the one before, if it is what brought this one."""
    heard, this = stands.heard, Heard.of(offer, trust)
    if heard is None or replace(heard, trust=trust.version) != this or offer.serial < _older(trust, offer, stands):
        return False
    return heard.trust == trust.version or offer.serial >= trust.created


def _older(trust: Trust, offer: Offer, stands: Stands) -> int:
    """Return when what runs was sent, if it is something else than what is offered."""
    same = (stands.payload, stands.runtime) == (offer.payload.digest, offer.runtime.digest)
    return 0 if same else _dated(trust, stands)


def _judge_serial(trust: Trust, offer: Offer, stands: Stands) -> None:
    signed = f"the offer of {written(offer.serial)} is old"
    if offer.serial < trust.created:
        raise Refused(
            f"{signed}: version {trust.version} of the trust here is of {written(trust.created)}", hint=_EXPORT
        )
    if offer.serial <= _heard(trust, stands):
        raise Refused(
            f"{signed}: this node has taken another one of {written(_heard(trust, stands))}",
            hint=f"{_EXPORT}; an older state is signed anew, from its commit",
        )
    if offer.serial <= _older(trust, offer, stands):
        raise Refused(
            f"{signed}: what runs here was sent at {written(_older(trust, offer, stands))}, by its sender's clock",
            hint=f"{_EXPORT}; an older state is signed anew, from its commit",
        )


def _judge_times(signer: Signer, offer: Offer, *, floor: int, now: float) -> None:
    clock = f"this node's clock says {written(now)}"
    whose = f"the key of {signer.who} ({signer.fingerprint})"
    if not signer.begins <= offer.serial < signer.ends:
        between = f"from {signer.valid_after or 'ever'} until {signer.valid_before or 'ever'}"
        raise Refused(f"{whose} counts {between}, and the offer was signed at {written(offer.serial)}", hint=_EXPORT)
    if max(now, floor) < signer.begins:
        raise Refused(
            f"{whose} counts from {signer.valid_after} on; {clock}",
            hint="is the clock right (timedatectl)? set it, or wait, and load again",
        )
    if now >= signer.ends:
        raise Refused(
            f"{whose} has ended at {signer.valid_before}; {clock}",
            hint=f"{_CLOCK}; else sign with a key that counts: {_EXPORT}",
        )
    if now >= offer.expires:
        raise Refused(
            f"the offer has expired at {written(offer.expires)}; {clock}",
            hint=f"{_CLOCK}; else {_EXPORT}",
        )
