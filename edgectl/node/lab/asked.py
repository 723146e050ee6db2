"""The question `lab`: an acceptance looks at a machine, asks what k3s does there, and strikes it.

Owns: the answer to it. Only root may ask; a blow is a line of the audit before it falls.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.lab.contract import relied
from edgectl.node.lab.facts import facts
from edgectl.node.lab.seen import look_at
from edgectl.node.lab.strikes import strike
from edgectl.node.working import working
from edgectl.wire.document import to_json
from edgectl.wire.errors import UsageError
from edgectl.wire.frame import Frames


def answer(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Answer one question. Raises EdgectlError, LookFailed."""
    deed = str(frame.get("deed", ""))
    look = Look(places)
    if deed == "look":
        frames.send("lab", look=to_json(look_at(look)))
    elif deed == "facts":
        frames.send("lab", facts=to_json(working(frames, lambda: facts(look))))
    elif deed == "contract":
        frames.send("lab", rows=to_json(working(frames, lambda: relied(look))))
    elif deed == "strike":
        falls = strike(Hands(places), str(frame.get("name", "")))
        frames.send("lab", struck=True)  # before it falls: afterwards nobody may be there to say so
        falls()
    else:
        raise UsageError(f"a lab's machine knows no {deed!s:.20}", hint="use the same edgectl version everywhere")
