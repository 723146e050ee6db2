"""What image archives share: their layers, by digest. Reads headers only.

Owns the counting. Must not know where else these layers are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgectl.control.bundle.image import UNREADABLE, images_of, opened
from edgectl.control.bundle.layout import Artifact, Bundle
from edgectl.wire.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Shared:
    """What stands in more than one archive: `size` is what is there beyond the first time."""

    layers: int
    size: int


def layers(bundle: Bundle, artifact: Artifact) -> dict[str, int]:
    """Return the layers of an image archive with their bytes there; none where they cannot be read."""
    if artifact.kind != "image":
        return {}
    try:
        with opened(bundle.blob(artifact)) as tar:
            return {digest: tar.getmember(member).size for image in images_of(tar) for digest, member in image.parts}
    except (InvalidInput, *UNREADABLE):
        return {}


def shared(bundle: Bundle, artifacts: Iterable[Artifact]) -> Shared:
    """Return what the archives have in common; an archive that two names have is one."""
    sizes: dict[str, list[int]] = {}
    for artifact in {found.digest: found for found in artifacts}.values():
        for digest, size in layers(bundle, artifact).items():
            sizes.setdefault(digest, []).append(size)
    several = [found for found in sizes.values() if len(found) > 1]
    return Shared(len(several), sum(sum(found[1:]) for found in several))
