"""What a node answers: what was expected, or why not."""

from __future__ import annotations

from typing import Any

from edgectl.wire.errors import EdgectlError, Refused


def need(frame: dict[str, Any], op: str) -> None:
    """Raise what the node says instead of the expected frame."""
    if frame["op"] == "error":
        raise EdgectlError.from_json(frame)
    if frame["op"] != op:
        raise Refused(
            f"the node said {frame['op']!r} where {op!r} was expected", hint="use the same edgectl everywhere"
        )
