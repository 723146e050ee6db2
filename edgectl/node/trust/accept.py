"""An offer that came by stick or by pull: whose it is, whether it is well signed, whether this node takes it.

Owns: the order of all checks and the one call of `ssh-keygen -Y verify`. Nothing that is unsigned is even parsed, but
for the name of the key. Validity is judged here and nowhere else. Must not know what becomes of an offer.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.trust.judge import Stands, judge, signer_of
from edgectl.node.trust.kept import FILE, Damaged, heard_of, note_heard, trust_of
from edgectl.wire import sshsig
from edgectl.wire.errors import Refused
from edgectl.wire.offer import MOST_BYTES, NAMESPACE, Offer, decode
from edgectl.wire.trust import Signer, Trust

__all__ = ["accepted", "note_heard", "signed_by", "trust_here"]

_VERIFY_SECONDS = 20.0
_ID = "signer"
_SSH = "deploy once over SSH (edgectl deploy STORE): root over SSH needs no signature, and brings the trust"
_AGAIN = "copy the offer and its signature again; make sure that both are of one export"


def accepted(places: Places, look: Look, offer: bytes, signature: bytes, *, now: float) -> Offer:
    """Return an offer that this node takes, or took already; Refused says why it does not.

    Nothing is changed here: who has taken it calls note_heard.
    """
    try:
        trust, signer = _signed_by(look, offer, signature)
        _verify(places, look, signer, offer, signature)
        try:
            found = decode(offer)
        except ValueError as error:
            hint = "was it made by a newer edgectl? deploy once over SSH with that one"
            raise Refused(f"the offer cannot be understood: {error!s:.200}", hint=hint) from error
        judge(trust, signer, found, _stands(places, look), now=now)
    except LookFailed as failure:
        raise Refused(f"the offer cannot be judged: {failure.reason}", hint="look at this node's disk") from failure
    except ValueError as error:
        raise Refused(f"the trust that this node keeps cannot be used: {error!s:.200}", hint=_SSH) from error
    return found


def trust_here(look: Look) -> Trust:
    """Return the trust that counts here; Refused when there is none."""
    try:
        trust = trust_of(look)
    except Damaged as error:
        hint = f"the next self-heal writes it anew (within minutes); else {_SSH}"
        raise Refused(f"{look.places.trust / FILE} is damaged: {error}", hint=hint) from error
    if trust is None:
        raise Refused(
            "this node trusts nobody's signature yet", hint=f"name keys in the inventory (trust:), and {_SSH}"
        )
    return trust


def signed_by(look: Look, signature: bytes) -> Signer:
    """Return whose key a signature names; only after `accepted` is that proven. Refused, LookFailed."""
    return signer_of(trust_here(look), _read(signature))


def _signed_by(look: Look, offer: bytes, signature: bytes) -> tuple[Trust, Signer]:
    for what, data in (("the offer", offer), ("its signature", signature)):
        if len(data) > MOST_BYTES:
            raise Refused(f"{what} is longer than {MOST_BYTES} bytes; it was not read", hint=_AGAIN)
    trust = trust_here(look)
    return trust, signer_of(trust, _read(signature))


def _read(signature: bytes) -> sshsig.Signed:
    try:
        return sshsig.read(signature)
    except ValueError as error:
        raise Refused(f"the offer's signature cannot be read: {error}", hint=_AGAIN) from error


def _verify(places: Places, look: Look, signer: Signer, offer: bytes, signature: bytes) -> None:
    """Let ssh-keygen say that this key has signed these bytes: exit 0, and nothing else, is yes."""
    kind, base64 = signer.key.split()[:2]
    try:
        places.run.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="offer-", dir=places.run))  # 0700, on tmpfs
    except OSError as error:
        raise Refused(
            f"the signature cannot be checked: {places.run}: {error.strerror}", hint="look at it: df -h /run"
        ) from error
    try:
        (folder / "allowed").write_text(f'{_ID} namespaces="{NAMESPACE}" {kind} {base64}\n')
        (folder / "signature").write_bytes(signature)
        argv = ("ssh-keygen", "-Y", "verify", "-f", f"{folder}/allowed", "-I", _ID, "-n", NAMESPACE)
        ran = look.run(*argv, "-s", f"{folder}/signature", stdin=offer, limit_seconds=_VERIFY_SECONDS)
    except OSError as error:
        raise Refused(f"the signature cannot be checked: {error.strerror}", hint="look at it: df -h /run") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if ran.ok:
        return
    if ran.code in {None, 127}:
        why = ran.last_words if ran.code else f"ssh-keygen did not end within {_VERIFY_SECONDS:.0f} s"
        hint = "install openssh-client on this node, or look at what keeps it busy; then load again"
        raise Refused(f"the signature cannot be checked: {why}", hint=hint, details=ran.evidence())
    raise Refused(
        f"this is not what {signer.who} has signed ({signer.fingerprint}): the offer or its signature was changed",
        hint=_AGAIN,
        details=ran.evidence(),
    )


def _stands(places: Places, look: Look) -> Stands:
    slots = Slots(places)
    current = slots.current
    belongs = current or slots.candidate
    return Stands(
        store=belongs.envelope.store if belongs else "",
        heard=heard_of(look),
        payload=current.envelope.payload if current else "",
        runtime=current.envelope.runtime if current else "",
        created=current.envelope.created if current else "",
        sender=current.envelope.sender.key if current else "",
    )
