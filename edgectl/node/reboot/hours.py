"""May something that interrupts a serving store happen now.

Owns that one judgement. Must not know what it is asked for: a reboot, another driver.
"""

from __future__ import annotations

from datetime import datetime

from edgectl.wire.host import Reboots
from edgectl.wire.hours import is_open, opens, window

_SANE_YEAR = 2025  # as in host/preflight.sh


def permitted(reboots: Reboots, *, serves: bool, may_reboot: bool, now: datetime) -> str:
    """Return "" when it may happen now, else why not, to be read after what waits: "waits for its hours (...)"."""
    if may_reboot or not serves or not reboots.hours:
        return ""
    if now.year < _SANE_YEAR:
        return f"waits for its hours, and for a clock that tells them (it says {now.year})"
    try:
        windows = [window(text) for text in reboots.hours]
    except ValueError as error:  # most often: no tzdata on this node
        return f"waits for its hours, which this node cannot read: {error}; is tzdata installed here?"
    if is_open(windows, now):
        return ""
    opening = opens(windows, now)
    return f"waits for its hours (opens {opening:%a %H:%M})".lower() if opening else "waits for hours that never come"
