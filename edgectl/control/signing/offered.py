"""What is signed for a store: its offer, by a key that its nodes will take the word of.

Owns: what an offer says, and that a signature which no node would take is never made into a file. The node judges
again. Must not know where offers lie.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from edgectl.control.signing.keyfile import public
from edgectl.control.signing.sign import sign
from edgectl.wire import sshsig
from edgectl.wire.errors import InvalidInput
from edgectl.wire.offer import Offer, Part
from edgectl.wire.payload import Payload
from edgectl.wire.trust import LATEST, Trust, blob_of, written

_TRUST = "name the key in the inventory's trust (docs/offline.md), deploy that once over SSH, then export again"


@dataclass(frozen=True, slots=True)
class Stick:
    """With what, when and how long all offers of one export are signed, and what they have in common."""

    key: Path
    valid_seconds: float
    runtime: Part
    commit: str = ""
    summary: str = ""
    serial: int = 0  # 0: now

    def offer(self, payload: Payload) -> tuple[bytes, bytes]:
        """Return a store's offer and its signature; InvalidInput when its nodes would not take it."""
        trust = payload.trust
        if trust is None:
            raise InvalidInput(f"{payload.store} trusts no key: its nodes would refuse what is signed", hint=_TRUST)
        serial = self.serial or int(time.time())
        data = Offer(
            store=payload.store,
            serial=serial,
            expires=min(serial + int(self.valid_seconds), _ends(trust, self.key)),
            payload=Part(payload.digest, len(payload.encode())),
            runtime=self.runtime,
            commit=self.commit,
            summary="".join(sign for sign in self.summary[:200] if sign.isprintable()),
        ).encode()
        signature = sign(data, self.key)
        if why := _refused(trust, sshsig.fingerprint(sshsig.read(signature).key), payload.store, serial):
            raise InvalidInput(f"{payload.store} would refuse what {self.key} signs: {why}", hint=_TRUST)
        return data, signature


def _ends(trust: Trust, key: Path) -> int:
    """Return when a key ends: what it signs is taken no longer."""
    try:
        name = sshsig.fingerprint(blob_of(public(key)))
    except InvalidInput:  # its public half lies elsewhere
        return LATEST
    return next((signer.ends for signer in trust.signers if signer.fingerprint == name), LATEST)


def _refused(trust: Trust, name: str, store: str, serial: int) -> str:
    """Say why a store would not take what a key signs now, "" when it would."""
    signer = next((signer for signer in trust.signers if signer.fingerprint == name), None)
    if name in trust.revoked:
        return f"the key is revoked ({name})"
    if signer is None:
        return f"it does not trust this key ({name})"
    if not any(fnmatchcase(store, pattern) for pattern in signer.stores):
        return f"{signer.who} may sign for {', '.join(signer.stores)} only"
    if not signer.begins <= serial < signer.ends:
        return f"{signer.who}'s key counts from {signer.valid_after or 'ever'} until {signer.valid_before or 'ever'}"
    if serial < trust.created:
        return f"this machine's clock says {written(serial)}, and its trust is of {written(trust.created)}"
    return ""
