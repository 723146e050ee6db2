"""How bringing models ahead has ended, in one sentence a store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from edgectl.control.deploy.prefetch import Came
from edgectl.control.inventory.store import Store
from edgectl.report.words import duration, size
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.hours import Window, opens

Ended = tuple[dict[str, Any], str]


def nothing(store: str) -> str:
    """Say that no version is to come."""
    return f"{store}: nothing is to come (models.NAME.next names it)"


def closed(store: str, windows: Sequence[Window], now: datetime) -> Ended:
    """Say that the hours are closed, and when they open."""
    when, document = _opens(windows, now)
    text = f"{store}: models are not brought at this hour (windows.prefetch); {when}; --now sends at once"
    return {"code": int(Exit.PENDING), "word": "closed", **document}, text


def told(store: Store, answers: Mapping[str, Came | EdgectlError], left: int, now: datetime) -> Ended:
    """Say what has come, what is left, and which nodes could not be asked."""
    names = ", ".join(f"{model.name} {model.version}" for model in store.models.next)
    came = [one for one in answers.values() if isinstance(one, Came)]
    wrong = {name: one for name, one in answers.items() if isinstance(one, EdgectlError)}
    stopped = any(one.stopped for one in came)
    content, wire = (sum(getattr(one.outcome, key) for one in came) for key in ("blob_bytes", "wire_bytes"))
    document: dict[str, Any] = {
        "word": "stopped" if stopped else "here",
        "versions": {model.name: model.version for model in store.models.next},
        "blob_bytes": content,
        "wire_bytes": wire,
        "left": left,
        "unreached": {name: error.message for name, error in wrong.items()},
    }
    code = int(Exit.PENDING if stopped else Exit.OK)
    if stopped:
        when, more = _opens(store.models.hours, now)
        document |= more
        more_to_come = f", {size(left)} are left" if left else ""
        text = f"{store.name}: the hours have ended before {names} was there{more_to_come}; {when}"
    elif content:
        text = (
            f"{store.name} has {names} ahead ({size(content)}, {size(wire)} on the line); its deploy sends none of it"
        )
    else:
        text = f"{store.name} has {names} ahead already; nothing was sent"
    lines = [text, *(f"  not       {name}: {error.message}" for name, error in wrong.items())]
    if wrong:
        code = int(next(iter(wrong.values())).exit)
    return {"code": code, **document}, "\n".join(lines)


def _opens(windows: Sequence[Window], now: datetime) -> tuple[str, dict[str, str]]:
    when = opens(windows, now)
    if when is None:
        return "they are open again", {}
    wait = duration((when - now).total_seconds())
    return f"they open {when:%a %F %H:%M} {when.tzinfo} (in {wait})", {"opens": when.isoformat()}
