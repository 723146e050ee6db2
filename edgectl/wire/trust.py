"""Whose word a node takes when nobody is on the line: keys, what each may sign, until when.

Owns: the document, part of the payload, and what its keys and times mean; the node keeps the newest version that it
was ever given and never goes back. Must not know how a signature is checked.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import re
import time
from dataclasses import dataclass

from edgectl.wire.document import canonical, digest_of, to_json
from edgectl.wire.sshsig import fingerprint, strings

_KINDS = {  # of how many strings a key of this kind is made, its name included
    "ssh-ed25519": 2,
    "sk-ssh-ed25519@openssh.com": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
    "ssh-rsa": 3,
}
_TIME = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LATEST = 253402300799  # seconds since 1970: the end of the year 9999, beyond which a time has no text


@dataclass(frozen=True, slots=True)
class Signer:
    """One key. Times are RFC 3339 in UTC, "" for no bound; `stores` are patterns of store names (fnmatch)."""

    key: str  # as in authorized_keys, without comment: ssh-ed25519 AAAA...
    who: str  # for sentences: anna@ops
    stores: tuple[str, ...] = ("*",)
    valid_after: str = ""
    valid_before: str = ""

    @property
    def fingerprint(self) -> str:
        """Return the key's name, SHA256:...; ValueError when it is no key."""
        return fingerprint(blob_of(self.key))

    @property
    def begins(self) -> int:
        """Return from when it counts, in seconds since 1970; ValueError when that is no time."""
        return moment(self.valid_after) if self.valid_after else 0

    @property
    def ends(self) -> int:
        """Return from when it counts no more; ValueError when that is no time."""
        return moment(self.valid_before) if self.valid_before else LATEST


@dataclass(frozen=True, slots=True)
class Trust:
    """All keys that count. `created` is in seconds since 1970: what was signed before it is old."""

    version: int
    created: int
    signers: tuple[Signer, ...]
    revoked: tuple[str, ...] = ()  # fingerprints, SHA256:...


def blob_of(key: str) -> bytes:
    """Return a public key's bytes from its line, a comment aside; ValueError when it is no key that can sign."""
    kind, _, rest = key.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split()[0] if rest.split() else "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is no public key") from error
    parts = strings(blob)
    if len(parts) != _KINDS.get(kind) or parts[0] != kind.encode():
        raise ValueError("it is no public key that can sign")
    return blob


def kept_text(trust: Trust) -> str:
    """Return a trust as a node keeps it, with its own digest: what is edited by hand counts for nothing."""
    return canonical({"digest": digest_of(canonical(trust)), "trust": to_json(trust)}).decode() + "\n"


def state_of(signer: Signer, trust: Trust, *, now: float) -> str:
    """Return how a key stands by a clock, in one word: valid, revoked, ended, or later."""
    if signer.fingerprint in trust.revoked:
        return "revoked"
    if now >= signer.ends:
        return "ended"
    return "valid" if now >= signer.begins else "later"


def moment(text: str) -> int:
    """Return a time such as 2027-01-31T12:00:00Z in seconds since 1970; ValueError when it is none."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time such as 2027-01-31T12:00:00Z")
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def written(seconds: float) -> str:
    """Return seconds since 1970 as a time of that form."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(max(seconds, -62135596800), LATEST)))
