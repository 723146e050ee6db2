"""A store taken off its machines: those that follow first, its server last.

Owns: that order, and the conversation. A node finishes alone; the same question goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, ask, speaking
from edgectl.control.deploy.operator import asker


@dataclass(slots=True)
class Removed:
    """What became of one node. `nothing`: there was nothing of edgectl; `left`: what may be somebody else's."""

    nothing: bool = False
    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def looked(connect: Open, store: str) -> dict[str, Any]:
    """Ask a node what would go; Refused where it is another store's."""
    found = ask(connect, "remove", store=store, look=True)
    need(found, "removed" if found["op"] == "removed" else "removable")
    return found


def remove(connect: Open, store: str, say: Callable[[str], None]) -> Removed:
    """Take all off one node."""
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        session.frames.send("remove", store=store, who=asker(), key=session.key)
        while (frame := session.frames.receive())["op"] != "removed":
            if frame["op"] == "removing":
                say(str(frame["what"]))
            elif frame["op"] != "beat":
                need(frame, "removed")
        left, kept = list(map(str, frame["left"])), list(map(str, frame["kept"]))
        return Removed(bool(frame["nothing"]), left, kept)
