"""Whose word a node takes when nobody is on the line: keys, what each may sign, until when.

Owns: the document, part of the payload; the node keeps the newest version that it was ever given and never goes back.
Must not know how a signature is checked.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signer:
    """One key. Times are RFC 3339 in UTC, "" for no bound; `stores` are patterns of store names (fnmatch)."""

    key: str  # as in authorized_keys, without comment: ssh-ed25519 AAAA...
    who: str  # for sentences: anna@ops
    stores: tuple[str, ...] = ("*",)
    valid_after: str = ""
    valid_before: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """All keys that count. `created` is in seconds since 1970: what was signed before it is old."""

    version: int
    created: int
    signers: tuple[Signer, ...]
    revoked: tuple[str, ...] = ()  # fingerprints, SHA256:...
