"""Changes of trust: each gives a new version, made now. Pure.

Owns what adding, rotating and revoking mean, and which key a person's word names. Must not know files.
"""

from __future__ import annotations

from dataclasses import replace

from edgectl.wire.errors import InvalidInput, UsageError
from edgectl.wire.sshsig import fingerprint
from edgectl.wire.trust import Signer, Trust, blob_of, state_of, written


def first(signer: Signer, *, now: int) -> Trust:
    """Return the trust of one key."""
    return Trust(1, now, (signer,))


def added(trust: Trust, signer: Signer, *, now: int) -> Trust:
    """Return a trust with one more key."""
    name = signer.fingerprint
    if name in trust.revoked:
        raise InvalidInput(f"{name} is revoked, and a revoked key never comes back", hint="add another key")
    if had := next((one for one in trust.signers if one.fingerprint == name), None):
        raise InvalidInput(f"{name} is there already, as the key of {had.who}", hint="edgectl keys list shows it")
    return _next(replace(trust, signers=(*trust.signers, signer)), now=now)


def rotated(trust: Trust, old: Signer, signer: Signer, *, overlap: float, now: int) -> Trust:
    """Return a trust with a new key, in which an old one ends after the overlap, or earlier if it was to."""
    ends = min(old.ends, now + int(overlap))
    ended = replace(old, valid_before=written(max(ends, old.begins + 1)))
    signers = tuple(ended if one == old and old.fingerprint not in trust.revoked else one for one in trust.signers)
    return added(replace(trust, signers=signers), signer, now=now)


def revoked(trust: Trust, signers: tuple[Signer, ...], *, now: int) -> Trust:
    """Return a trust in which these keys count no more, whatever they have signed."""
    names = {one.fingerprint for one in signers}
    if names <= set(trust.revoked):
        raise InvalidInput(f"{', '.join(sorted(names))} is revoked already", hint="edgectl keys list shows it")
    return _next(replace(trust, revoked=tuple(sorted({*trust.revoked, *names}))), now=now)


def named(trust: Trust, word: str) -> tuple[Signer, ...]:
    """Return the keys that a word means: a fingerprint, a name, or a public key; UsageError where it means none."""
    try:
        name = fingerprint(blob_of(word))
    except ValueError:
        name = word
    found = tuple(one for one in trust.signers if name in {one.fingerprint, one.who})
    if not found:
        known = ", ".join(f"{one.who} ({one.fingerprint})" for one in trust.signers) or "nobody"
        raise UsageError(f"the trust has no key {word[:80]}", hint=f"it has {known}")
    return found


def to_rotate(trust: Trust, word: str, *, now: float) -> Signer:
    """Return the one key that is to be replaced: of those that count (else of all), the newest of one person."""
    found = named(trust, word) if word else trust.signers
    counting = tuple(one for one in found if state_of(one, trust, now=now) in {"valid", "later"}) or found
    if len({one.who for one in counting}) != 1:
        names = ", ".join(f"{one.who} ({one.fingerprint})" for one in counting)
        raise UsageError(
            f"{len(counting)} keys may be meant: {names or 'there is none'}",
            hint="name one: edgectl keys rotate SHA256:...",
        )
    return max(counting, key=_begun)


def _begun(signer: Signer) -> int:
    return signer.begins


def check_clock(trust: Trust, *, now: int) -> None:
    """Raise InvalidInput where this machine's clock and the trust do not agree."""
    if now < trust.created:
        raise InvalidInput(
            f"this machine's clock says {written(now)}, and the trust is of {written(trust.created)}: one is wrong",
            hint="set the clock; if it was wrong when the file was written, correct `created` there",
        )


def _next(trust: Trust, *, now: int) -> Trust:
    check_clock(trust, now=now)
    return replace(trust, version=trust.version + 1, created=now)
