"""Layers of images that are here, wherever they lie: in archives of any image, and in containerd's content store.

Owns: where they are looked for. Nothing is believed of them but their names: who uses one holds it against its digest.
containerd keeps what an archive brings as it is, by its own digest (core/images/archive, `onUntarBlob`), so a layer
that is not packed lies there under the digest that names it in our archives.
"""

from __future__ import annotations

import os
import re

from edgectl.node.io.places import Places
from edgectl.node.spans import Span
from edgectl.wire.layers import LEAST_BYTES, hint, layers_of
from edgectl.wire.payload import Payload

_HEX = re.compile(r"[0-9a-f]{64}")


def find(places: Places, payloads: list[Payload], hints: list[str]) -> dict[int, Span]:
    """Return which of the layers that were hinted at are here, by their place in the list, and where each lies."""
    wanted = {one: index for index, one in enumerate(hints)}
    found: dict[int, Span] = {}
    if not wanted:
        return found
    for archive in dict.fromkeys(image.archive for one in payloads for node in one.nodes for image in node.k3s.images):
        path = places.blob(archive)
        for layer in layers_of(path):
            index = wanted.get(hint(layer.digest))
            if index is not None and index not in found:
                found[index] = Span(path, layer.offset, layer.size, layer.digest)
    if len(found) == len(wanted):
        return found
    try:
        with os.scandir(places.k3s_content) as entries:
            for entry in entries:
                index = wanted.get(hint(entry.name)) if _HEX.fullmatch(entry.name) else None
                if index is not None and index not in found and entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    if size >= LEAST_BYTES:
                        found[index] = Span(places.k3s_content / entry.name, 0, size, entry.name)
    except OSError:  # containerd has none yet, or it cannot be read: then there is that much less
        pass
    return found
