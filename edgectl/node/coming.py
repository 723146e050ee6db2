"""What has been staged for a deploy that will follow: until that comes, no slot names it, and it must not be swept.

Owns: the note on tmpfs, of the newest such deploy. Losing it may cost the line these bytes once more, no more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical

LONGEST_SECONDS = 6 * 3600.0  # as long as nodes may take from each other


def expect(places: Places, digests: Iterable[str], *, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Note what has come for a deploy that will follow."""
    with suppress(OSError):
        write_atomic(_path(places), canonical({"blobs": sorted(digests), "until": monotonic() + LONGEST_SECONDS}))


def coming(places: Places, *, monotonic: Callable[[], float] = time.monotonic) -> frozenset[str]:
    """Return the digests that are noted, as long as their deploy may follow."""
    try:
        doc = json.loads(_path(places).read_bytes())
        return frozenset(map(str, doc["blobs"])) if monotonic() < float(doc["until"]) else frozenset()
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _path(places: Places) -> Path:
    return places.run / "staged.json"
