"""A batch as it comes: unpacked within bounds, and read to the last line before anything of it is taken."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

from edgectl.stack.ops.event import CANARY

MAX_BYTES = 16 * 1024 * 1024  # unpacked: what is small on the line must not fill our memory


@dataclass(frozen=True, slots=True)
class Batch:
    """The ids of its events, in order, and how many canaries were with them."""

    ids: tuple[str, ...]
    canaries: int


def read(body: bytes, encoding: str) -> Batch:
    """Return it; ValueError says why this is no batch."""
    ids: list[str] = []
    canaries = 0
    for number, line in enumerate(_unpacked(body, encoding).splitlines(), 1):
        if not line.strip():
            continue
        try:
            doc = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is no JSON: {error}") from error
        if not isinstance(doc, dict) or not isinstance(doc.get("id"), str) or not doc["id"]:
            raise ValueError(f"line {number} is no event: it has no id")
        if doc.get("kind") == CANARY:
            canaries += 1
        else:
            ids.append(doc["id"])
    return Batch(tuple(ids), canaries)


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in {"", "identity"}:
        return body
    if encoding != "deflate":
        raise ValueError(f"Content-Encoding {encoding!r} is not known: deflate is (zlib)")
    unpacker = zlib.decompressobj()
    try:
        lines = unpacker.decompress(body, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"not packed by zlib: {error}") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    if not unpacker.eof:
        raise ValueError("cut off")
    return lines
