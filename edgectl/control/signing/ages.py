"""What a person should know in time: keys that end soon, stores for which nobody may sign. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from edgectl.control.inventory.place import Finding
from edgectl.control.signing.trustfile import TrustFile
from edgectl.wire.trust import Signer, Trust, state_of

SOON_SECONDS = 30 * 86400
_DAY = 86400


def warnings(file: TrustFile, store: str, *, now: float) -> Iterator[Finding]:
    """Yield what is to be done soon for a store's trust, each at its line."""
    for signer, at in zip(file.trust.signers, file.signers_at, strict=True):
        if may_sign(signer, store) and ends_soon(signer, file.trust, now=now):
            days = int(signer.ends - now) // _DAY
            sentence = f"the key of {signer.who} ends at {signer.valid_before}, in {days} days: edgectl keys rotate"
            yield Finding(at, sentence)
    if not any(may_sign(one, store) and state_of(one, file.trust, now=now) == "valid" for one in file.trust.signers):
        yield Finding(file.at, "no key that counts now may sign for it: nothing comes by stick or pull")


def may_sign(signer: Signer, store: str) -> bool:
    """Tell whether a key is one for a store."""
    return any(fnmatchcase(store, pattern) for pattern in signer.stores)


def ends_soon(signer: Signer, trust: Trust, *, now: float) -> bool:
    """Tell whether a key ends within 30 days and nothing that counts, and ends later, signs for the same stores."""
    if state_of(signer, trust, now=now) != "valid" or signer.ends - now > SOON_SECONDS:
        return False
    return not any(
        other.ends > signer.ends and set(signer.stores) <= set(other.stores) and other.fingerprint not in trust.revoked
        for other in trust.signers
    )
