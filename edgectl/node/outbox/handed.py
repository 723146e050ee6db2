"""What waits, handed to an operator over the link: whatever is newer than what that one has.

Owns: the answer to the question `outbox`. Nothing is taken away: another operator may not have it yet.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.io.places import Places
from edgectl.node.outbox.queue import KINDS, settled
from edgectl.wire.frame import Frames


def hand(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Send every entry beyond `after` (by kind), beats first, journals last; all of them where another box counts."""
    found = settled(places.outbox)
    boxes, after = str(frame.get("box", "")), frame.get("after") or {}
    for kind in KINDS:
        for entry in found:
            known = int(after.get(kind, 0)) if entry.box == boxes else 0
            if entry.kind == kind and entry.n > known and (data := entry.read()):
                frames.send("entry", n=entry.n, box=entry.box, kind=kind, run=entry.run, bytes=len(data))
                frames.send_bytes(data)
    frames.send("handed")
