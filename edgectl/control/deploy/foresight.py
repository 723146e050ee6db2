"""What a node's answer tells of the pods that a deploy will replace. Owns the reading of that answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.control.payload.effects import Pause, pauses
from edgectl.wire.payload import decode


def pauses_of(frame: dict[str, Any], payload: Path | bytes | None) -> tuple[Pause, ...]:
    """Return which pods will pause for what is offered, and how long; none where nothing runs, or it is not here."""
    runs = frame.get("pods") or {}
    return pauses(runs, decode(payload), frame.get("gaps")) if runs and isinstance(payload, bytes) else ()
