"""When a node may restart: a store that serves, in its hours only, and by a clock that can be right.

Pure. Must not know why a restart is needed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from edgectl.wire.host import Reboots
from edgectl.wire.hours import Window, opens, window

_TOLERATED = timedelta(minutes=10)  # that an operator's clock may be ahead of a right one


def permitted(reboots: Reboots, *, serves: bool, may_reboot: bool, now: datetime | None) -> str:
    """Say why the node may not restart now; "" when it may.

    `serves`: it runs something already; what does not has no hours to keep. `may_reboot`: a person has said so.
    `now`: with its zone; None where the clock cannot be right.
    """
    if not serves or may_reboot or not reboots.hours:
        return ""
    if now is None:
        return "this machine's clock cannot be right, so its hours are not known"
    try:
        windows = [window(text) for text in reboots.hours]
    except ValueError as error:
        return f"its hours cannot be read here: {error}; is the package tzdata installed?"
    return _closed(windows, now)


def believed(now: datetime, *created: str) -> datetime | None:
    """Return the clock's time; None when that is well before something that was made earlier (RFC 3339)."""
    for text in created:
        try:
            if now + _TOLERATED < datetime.fromisoformat(text.replace("Z", "+00:00")):
                return None
        except (ValueError, TypeError):  # not a time, or one without a zone: nothing to hold it against
            continue
    return now


def _closed(windows: list[Window], now: datetime) -> str:
    at = opens(windows, now)
    if at is not None:
        return f"waits for its hours, next {at:%a %H:%M}"
    return "" if any(one.holds(now) for one in windows) else "waits for its hours, which never come"
