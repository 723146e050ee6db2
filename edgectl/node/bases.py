"""What of an offered blob may be here already: an older version of the same thing, and layers of whatever image.

Owns: which bytes stand behind each other as a blob's base, and how long reading them may take. A plan does not ask.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.shelf import find
from edgectl.node.spans import BaseGone, Joined, Span
from edgectl.wire.delta import LEAST_BYTES, Signature, sign
from edgectl.wire.layers import hint, layers_of
from edgectl.wire.payload import Payload, decode
from edgectl.wire.thing import IMAGE, PAYLOAD, things

_SECONDS = 20.0  # reading for signatures; what is not read by then is sent whole


@dataclass(frozen=True, slots=True)
class Base:
    """Bytes that are here: first those that the signature is of, if there is one, then whole layers."""

    spans: tuple[Span, ...]
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Bases:
    """The base of each blob that has one, and which layers of those hinted at are here: (place in the list, bytes)."""

    of: dict[str, Base] = field(default_factory=dict)
    layers: tuple[tuple[int, int], ...] = ()


def bases(places: Places, sizes: dict[str, int], names: dict[str, str], hints: list[str]) -> Bases:
    """Return what is here of the blobs of `sizes`; `names` says of what thing each is, `hints` which layers they have.

    Two architectures of one image, say, bear one name: of several in one payload, the nearest in size is taken. Of an
    older image no signature is made of layers that come as they are.
    """
    images = {digest for digest in sizes if names.get(digest, "").startswith(IMAGE)}
    long = {digest for digest, size in sizes.items() if size >= LEAST_BYTES and names.get(digest)}
    if not images | long:
        return Bases()
    kept = _kept(places)
    had = _had(places, kept)
    until = time.monotonic() + _SECONDS
    layers = dict(sorted(find(places, [payload for _, payload, _ in kept], hints).items())) if images else {}
    whole = {hints[index] for index in layers}
    found: dict[str, Base] = {}
    for digest in images | long:
        near = sorted(had.get(names[digest], {}).items(), key=lambda item: abs(item[1] - sizes[digest]))
        base = Base(())
        for other, length in near[:1] if digest in long else ():
            base = _signed(places, other, length, whole if digest in images else set(), until)
        if digest in images:
            base = Base((*base.spans, *layers.values()), base.signature)
        if base.spans:
            found[digest] = base
    return Bases(found, tuple((index, span.size) for index, span in layers.items()))


def _signed(places: Places, digest: str, length: int, whole: set[str], until: float) -> Base:
    """Return an older blob without its layers in `whole`, signed; nothing where that is not worth it."""
    path, spans, at = places.blob(digest), list[Span](), 0
    for layer in layers_of(path) if whole else ():
        if hint(layer.digest) in whole:
            spans.append(Span(path, at, layer.offset - at))
            at = layer.offset + layer.size
    spans.append(Span(path, at, length - at))
    rest = tuple(span for span in spans if span.size > 0)
    size = sum(span.size for span in rest)
    if size < LEAST_BYTES:
        return Base(())
    try:
        with Joined(rest) as file:
            signature = sign(file, size, until=until)
    except BaseGone:  # a bad sector is no reason to send nothing
        return Base(())
    return Base(rest, signature) if signature is not None else Base(())


def _kept(places: Places) -> list[tuple[str, Payload, int]]:
    """Return (digest, payload, its bytes) of what is kept, the newest first."""
    found = []
    for slot in sorted(Slots(places).kept, key=lambda slot: slot.envelope.sequence, reverse=True):
        try:
            data = places.blob(slot.envelope.payload).read_bytes()
            found.append((slot.envelope.payload, decode(data), len(data)))
        except (OSError, ValueError):
            continue
    return found


def _had(places: Places, kept: list[tuple[str, Payload, int]]) -> dict[str, dict[str, int]]:
    """Return thing -> its blobs here and their sizes, those of the newest payload that has any."""
    had: dict[str, dict[str, int]] = {}
    for name, payload, length in kept:
        mine: dict[str, dict[str, int]] = {PAYLOAD: {name: length}}
        for digest, thing in things(payload).items():
            mine.setdefault(thing, {})[digest] = payload.blobs.get(digest, 0)
        for thing, blobs in mine.items():
            here = {digest: size for digest, size in blobs.items() if size >= LEAST_BYTES and _is_here(places, digest)}
            if here and thing not in had:
                had[thing] = here
    return had


def _is_here(places: Places, digest: str) -> bool:
    return places.blob(digest).is_file()
