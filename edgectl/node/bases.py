"""What of an offered blob may be here already, under another digest: an older version of the same thing.

Owns: which blob is whose base, and how long reading them may take. A plan does not ask.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.wire.delta import LEAST_BYTES, Signature, sign
from edgectl.wire.payload import decode
from edgectl.wire.thing import PAYLOAD, things

_SECONDS = 20.0  # reading for signatures; what is not read by then is sent whole


@dataclass(frozen=True, slots=True)
class Base:
    """A blob that is here, and its signature."""

    digest: str
    signature: Signature


def bases(places: Places, sizes: dict[str, int], names: dict[str, str]) -> dict[str, Base]:
    """Return the base of each blob of `sizes` that has one; `names` says of what thing each is.

    Two architectures of one image, say, bear one name: of several in one payload, the nearest in size is taken.
    """
    long = {digest: size for digest, size in sizes.items() if size >= LEAST_BYTES and names.get(digest)}
    if not long:
        return {}
    had = _had(places)
    until = time.monotonic() + _SECONDS
    found: dict[str, Base] = {}
    for digest, size in long.items():
        near = sorted(had.get(names[digest], {}).items(), key=lambda item: abs(item[1] - size))
        for other, length in near[:1]:
            try:
                with places.blob(other).open("rb") as file:
                    signature = sign(file, length, until=until)
            except OSError:  # a bad sector is no reason to send nothing
                continue
            if signature is not None:
                found[digest] = Base(other, signature)
    return found


def _had(places: Places) -> dict[str, dict[str, int]]:
    """Return thing -> its blobs here and their sizes, those of the newest slot that has any."""
    had: dict[str, dict[str, int]] = {}
    for slot in sorted(Slots(places).kept, key=lambda slot: slot.envelope.sequence, reverse=True):
        try:
            data = places.blob(slot.envelope.payload).read_bytes()
            payload = decode(data)
        except (OSError, ValueError):
            continue
        mine: dict[str, dict[str, int]] = {PAYLOAD: {slot.envelope.payload: len(data)}}
        for digest, name in things(payload).items():
            mine.setdefault(name, {})[digest] = payload.blobs.get(digest, 0)
        for name, blobs in mine.items():
            here = {digest: size for digest, size in blobs.items() if size >= LEAST_BYTES and _is_here(places, digest)}
            if here and name not in had:
                had[name] = here
    return had


def _is_here(places: Places, digest: str) -> bool:
    return places.blob(digest).is_file()
