"""What a node's answer tells of what a deploy will replace, its pods and its k3s. Owns the reading of that answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.control.payload.effects import Pause, k3s_pause, pauses
from edgectl.wire.payload import decode


def pauses_of(frame: dict[str, Any], payload: Path | bytes | None) -> tuple[Pause, ...]:
    """Return what will pause for what is offered, and how long; none where nothing runs, or it is not here."""
    runs, gaps = frame.get("pods") or {}, frame.get("gaps") or {}
    if not (runs or frame.get("k3s")) or not isinstance(payload, bytes):
        return ()
    after = decode(payload)
    restart = k3s_pause(frame.get("k3s") or {}, after, gaps)
    return (*((restart,) if restart else ()), *pauses(runs, after, gaps))
