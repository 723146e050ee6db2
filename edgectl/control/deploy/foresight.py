"""What a node's answer tells of the pods that a deploy will replace. Owns the reading of that answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgectl.control.payload.effects import Pause, pauses
from edgectl.wire.payload import decode

if TYPE_CHECKING:
    from edgectl.control.deploy.deploy import Offer


def pauses_of(frame: dict[str, Any], offer: Offer) -> tuple[Pause, ...]:
    """Return which pods will pause for what is offered; none where nothing runs, or the payload is not here."""
    runs, data = frame.get("pods") or {}, offer.sources.get(offer.payload)
    return pauses(runs, decode(data)) if runs and isinstance(data, bytes) else ()
