"""Layers of image archives: where they lie in one, and how an operator hints at those of all that it offers.

Owns: which members are layers by their names, and the short form of their digests. What a name says is a guess until
the bytes are held against it.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgectl.wire.tar import REGULAR, Seeking, TarError, members

LEAST_BYTES = 4096  # a smaller layer costs no more than the hint at it
HINT_BYTES = 6  # of a digest: of a million layers no two are taken for each other; the blob's own digest judges
MOST_HINTS = 4096
_MOST_MEMBERS = 10_000
_NAMED = re.compile(r"([0-9a-f]{64})\.tar|blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer in an archive: its digest (hex), where it begins, and its length."""

    digest: str
    offset: int
    size: int


def named(member: str) -> str:
    """Return the digest (hex) that a member's name says, "" for none."""
    found = _NAMED.fullmatch(member)
    return (found[1] or found[2]) if found else ""


def layers_of(archive: Path | bytes) -> tuple[Layer, ...]:
    """Return the layers in an archive that are worth a hint, in its order; none of what is no archive."""
    try:
        with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as file:
            return tuple(_found(file))
    except (OSError, TarError):
        return ()


def _found(file: BinaryIO) -> Iterable[Layer]:
    size = file.seek(0, io.SEEK_END)
    for member in members(Seeking(file, 0, size), most=_MOST_MEMBERS):
        digest = named(member.name)
        if digest and member.kind == REGULAR and member.size >= LEAST_BYTES:
            yield Layer(digest, member.offset, member.size)


def hint(digest: str) -> str:
    """Return the short form of a digest (hex), in hex."""
    return digest[: HINT_BYTES * 2]


def pack(digests: Iterable[str]) -> str:
    """Return hints for the line, in their order."""
    return base64.b64encode(b"".join(bytes.fromhex(hint(one)) for one in digests)).decode()


def unpack(text: str) -> list[str]:
    """Read what `pack` wrote; nothing of what is something else."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return []
    if len(data) > MOST_HINTS * HINT_BYTES:
        return []
    return [data[at : at + HINT_BYTES].hex() for at in range(0, len(data) // HINT_BYTES * HINT_BYTES, HINT_BYTES)]
