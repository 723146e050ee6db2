"""Since when a store stands as it does, by no clock that anybody can set.

Owns: the note on tmpfs of the last word and of how long this boot was up when it became that.
"""

from __future__ import annotations

import json
from contextlib import suppress

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical


def held(places: Places, word: str, up: float) -> float:
    """Return for how many seconds of this boot the word has been the same; a new one is noted."""
    path = places.run / "stands.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        doc = json.loads(path.read_bytes())
        if doc["word"] == word and float(doc["up"]) <= up:
            return up - float(doc["up"])
    with suppress(OSError):
        write_atomic(path, canonical({"word": word, "up": up}))
    return 0.0
