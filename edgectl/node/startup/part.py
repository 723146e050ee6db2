"""What a boot must know of this node before k3s starts: its part of the payload, as plain JSON.

Only single fields are read of it: an older or newer form of the rest must not matter. Imports little, k3s waits for it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places


def part(places: Places) -> dict[str, Any]:
    """Return this node's part, as the slot that comes next says; {} without one, or where it cannot be read."""
    slots = Slots(places)
    slot = slots.candidate or slots.current
    if slot is None:
        return {}
    try:
        doc = json.loads(places.blob(slot.envelope.payload).read_bytes())
        found = next(node for node in doc["nodes"] if node["name"] == slot.envelope.node)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        say(f"the payload of this node cannot be read: {error}")
        return {}
    return found if isinstance(found, dict) else {}


def say(sentence: str) -> None:
    """Say it in the unit's log."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
