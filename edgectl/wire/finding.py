"""What one look before a deploy has found: a thing, how it stands, and what to do about it.

Owns: the shape that the node sends and the operator shows. Must not know what is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

# STOP: a deploy refuses. WARN: it goes on, and somebody should see to it. UNKNOWN: it could not be looked at.
OK, WARN, STOP, UNKNOWN = WORDS = ("ok", "warn", "stop", "unknown")


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` names the thing for machines (machine-serial), `reason` is a sentence, `hint` what to do next."""

    about: str
    word: str
    reason: str
    hint: str = ""
    evidence: tuple[str, ...] = ()
