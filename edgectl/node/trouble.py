"""What stands in a command's way on this node, as a sentence that a person can act on."""

from __future__ import annotations

from edgectl.node.converge.protocol import LookFailed
from edgectl.wire.errors import EdgectlError, NotReady


def told(trouble: EdgectlError | LookFailed | OSError) -> EdgectlError:
    """Return it as an error: what could not be looked at, and a disk that is full, are the node's state, no bug."""
    if isinstance(trouble, EdgectlError):
        return trouble
    if isinstance(trouble, LookFailed):
        hint = "look at the node (systemctl, journalctl), then run the same command again"
        return NotReady(trouble.reason, hint=hint, details=trouble.evidence)
    place = f" ({trouble.filename})" if trouble.filename else ""
    return NotReady(
        f"this node cannot go on: {trouble.strerror or trouble}{place}",
        hint="look at its disk (df -h, df -i, mount), then run the same command again",
    )
