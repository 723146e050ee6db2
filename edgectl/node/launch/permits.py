"""What a session of a deploy user may ask: to look, and for what is signed. All else needs root.

Owns the table; a question that stands in none of its rows is refused, whoever adds it. Must not know how any of them
is answered.
"""

from __future__ import annotations

from typing import Any

from edgectl.wire.errors import Refused

LOOKS = frozenset(
    {
        *("audit", "chain", "doctor", "follow", "gpu", "history", "journal", "models", "outbox", "preflight"),
        *("status", "texts"),
    }
)  # nothing changes by them, and no secret's value is in an answer
SIGNED = frozenset({"deploy", "plan", "prefetch", "stage"})  # the offer's signature says what of
ROOTS = {
    "backup": "; at the node: sudo edgectl-node backup",
    "models": "; at the node: sudo edgectl-node models",
    "pause": "; at the node: sudo edgectl-node pause",
    "resume": "; at the node: sudo edgectl-node resume",
}  # where it is done else


def permit(account: str, frame: dict[str, Any]) -> bool:
    """Tell whether a question needs a signature; Refused when no signature helps."""
    op = frame["op"]
    if op in SIGNED:
        return True
    if op in LOOKS and not (op == "models" and frame.get("deed")):
        return False
    raise Refused(
        f"{account} may look here and deploy what is signed; this needs root ({op!s:.40})",
        hint=f"log in as root (ssh.user){ROOTS.get(op, '')}",
        docs="users",
    )
