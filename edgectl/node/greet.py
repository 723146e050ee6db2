"""The first word of a session: what this node runs, said before the rest of the engine is even imported.

Owns: the greeting and the two file descriptors of the link. Imports little: an operator waits for this.
"""

from __future__ import annotations

import json
import os
import select
from contextlib import suppress
from typing import Any

from edgectl.node import pause
from edgectl.node.converge.lock import holder
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.io.places import Places
from edgectl.wire.audit import head
from edgectl.wire.document import to_json
from edgectl.wire.frame import FrameError, Frames

_SILENCE_SECONDS = 180.0  # an operator that says nothing for so long is gone; the node does not wait for it


def greet(places: Places, *, stdin: int = 0, stdout: int = 1) -> Frames:
    """Say hello on the link and return its frames."""
    frames = Frames(
        lambda count: _read(stdin, count, frames.patience_seconds),
        lambda data: _write_all(stdout, data),
        patience_seconds=_SILENCE_SECONDS,
    )
    frames.send("hello", **_hello(places))
    return frames


def _hello(places: Places) -> dict[str, Any]:
    slots = Slots(places)
    paused = pause.read(places)
    newest = slots.all()
    return {
        "current": describe(slots, slots.current),
        "candidate": describe(slots, slots.candidate),
        "newest": describe(slots, newest[0]) if newest else None,
        "sequence": newest[0].envelope.sequence if newest else 0,
        "holder": holder(places.run),
        **_held(places),
        "pause": paused.sentence() if paused else "",
        "host": os.uname().nodename,
        **audited(places),
        **({"lacks": True} if _lacks(places, slots.current) else {}),
    }


def audited(places: Places) -> dict[str, str]:
    """Return the last line of this node's audit, by its name: whoever has heard it finds out where it is changed."""
    with suppress(OSError):
        if seen := head(places.audit):
            return {"audit": str(seen)}
    return {}


def _held(places: Places) -> dict[str, list[str]]:
    """Return the models that are held, and those that have a version beside them, where there are any."""
    found: dict[str, list[str]] = {}
    if any(places.models.glob("*/held.json")):
        from edgectl.node.models.held import sentences
        from edgectl.node.models.registry import Registry

        found["held"] = sentences(Registry(places))
    if any(places.models.glob("*/begun.json")):
        from edgectl.node.models.told import rollouts

        found["rollouts"] = rollouts(places)
    return found


def _lacks(places: Places, current: Slot | None) -> bool:
    """Tell whether content of what runs is gone: who sends it then says more of it. An agent never had all of it."""
    if current is None or current.envelope.lead:
        return False
    try:
        blobs = json.loads(places.blob(current.envelope.payload).read_bytes())["blobs"]
        return not all(places.blob(digest).is_file() for digest in blobs)
    except (OSError, ValueError, TypeError, LookupError):
        return False


def describe(slots: Slots, slot: Slot | None) -> dict[str, Any] | None:
    """Return a slot as operators are told of it: its envelope, and what has become of it."""
    if slot is None:
        return None
    more = {"rejected": slot.rejected, "promoted": slot.promoted, "apps": slots.apps_of(slot).envelope.sequence}
    return {**to_json(slot.envelope), **{key: value for key, value in more.items() if value is not None}}


def _read(fd: int, count: int, seconds: float) -> bytes:
    ready, _, _ = select.select([fd], [], [], seconds)
    return os.read(fd, count) if ready else b""


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except OSError as error:  # the link is gone
            raise FrameError("the operator is gone") from error
