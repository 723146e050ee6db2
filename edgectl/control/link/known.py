"""What a node has of the blobs that it is about to be sent: which layers to hint at, and what its answer means.

Owns the operator's side of both. Must not know how the rest of a blob travels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.control.link.pieces import Base, Whole
from edgectl.wire.delta import DeltaError, Signature
from edgectl.wire.frame import FrameError, Frames
from edgectl.wire.layers import MOST_HINTS, Layer, layers_of, pack
from edgectl.wire.thing import IMAGE

_MOST_SIGNATURE_BYTES = 64 * 1024 * 1024
_BEAT_SECONDS = 3.0  # the node waits 18 s for a word of whoever sends to it


@dataclass(frozen=True, slots=True)
class Hints:
    """The layers of the image archives that are offered, and the digests (hex) of all of them, each once."""

    archives: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    digests: tuple[str, ...] = ()

    @classmethod
    def of(cls, sources: Mapping[str, Path | bytes], names: Mapping[str, str]) -> Hints:
        """Look into what is offered under the name of an image; the largest layers first."""
        images = [digest for digest in sorted(sources) if names.get(digest, "").startswith(IMAGE)]
        archives = {digest: layers_of(sources[digest]) for digest in images}
        layers = {layer.digest: layer.size for found in archives.values() for layer in found}
        return cls(archives, tuple(sorted(layers, key=lambda one: (-layers[one], one))[:MOST_HINTS]))

    @property
    def text(self) -> str:
        """Return them for the line."""
        return pack(self.digests)

    def answered(self, said: Iterable[Any]) -> Known:
        """Read which of them the node has: their places in the list, and how many bytes each has there."""
        places: dict[str, tuple[int, int]] = {}
        at = 0
        for one in said:
            index, size = map(int, one)
            if not 0 <= index < len(self.digests) or size < 0:
                raise FrameError(f"the node speaks of layer {index}, of {size} bytes")
            places[self.digests[index]] = at, size
            at += size
        return Known(self.archives, places)


@dataclass(frozen=True, slots=True)
class Known:
    """Which layers a node has whole: digest -> where it begins among them, and its length there."""

    archives: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, archive: str, behind: int) -> tuple[Whole, ...]:
        """Return those of an archive; the node has them behind so many bytes of something else."""
        found = [(layer, *self.places.get(layer.digest, (0, -1))) for layer in self.archives.get(archive, ())]
        return tuple(Whole(layer.offset, size, behind + at) for layer, at, size in found if size == layer.size)


def read_bases(
    frames: Frames, wanted: Iterable[Mapping[str, Any]], known: Known, *, clock: Callable[[], float] = time.monotonic
) -> dict[str, Base]:
    """Read what follows a `want`, and return what the node has of each wanted blob.

    A signature that cannot be read is as none: its bytes are sent. On a thin line they take a while, in which the node
    is told that somebody is there. FrameError when what is said makes no sense.
    """
    wanted = list(wanted)
    signatures, sizes = _signatures(frames, wanted, clock)
    digests = [str(item["digest"]) for item in wanted]
    found = {one: Base(signatures.get(one), known.of(one, sizes.get(one, 0))) for one in digests}
    return {digest: base for digest, base in found.items() if base.signature or base.layers}


def _signatures(
    frames: Frames, wanted: Iterable[Mapping[str, Any]], clock: Callable[[], float]
) -> tuple[dict[str, Signature], dict[str, int]]:
    """Return the signatures by wanted blob, and the length of what each is of, also where it cannot be read."""
    heard = clock()

    def came(data: bytes) -> None:
        nonlocal heard
        packed.extend(data)
        if clock() - heard >= _BEAT_SECONDS:
            heard = clock()
            frames.send("beat")

    found: dict[str, Signature] = {}
    sizes: dict[str, int] = {}
    for item in wanted:
        base = item.get("base")
        if not base:
            continue
        packed, count = bytearray(), int(base["bytes"])
        if not 0 <= count <= _MOST_SIGNATURE_BYTES:
            raise FrameError(f"a signature of {count} bytes")
        frames.receive_bytes(count, came)
        sizes[str(item["digest"])] = int(base["size"])
        try:
            found[str(item["digest"])] = Signature.unpack(int(base["size"]), int(base["block"]), bytes(packed))
        except DeltaError:
            continue
    return found, sizes
