"""Which stores an exception is for, and until when.

Owns selectors of stores and the last day of an exception. Must not know what is excused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from edgectl.control.inventory.policy_schema import Exempt

_GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Excuse:
    """What exceptions say for one store on one day: who excuses it, and which have ended."""

    by: str = ""
    ended: tuple[str, ...] = ()


def excuse(exceptions: Iterable[Exempt], store: Mapping[str, Any], today: date) -> Excuse:
    """Return what holds for a store; an exception holds on its last day, too."""
    ended = []
    for exempt in exceptions:
        if not selects(exempt.stores, store):
            continue
        if today <= date.fromisoformat(exempt.until):
            return Excuse(by=f"{exempt.why} (until {exempt.until})")
        ended.append(f"the exception for {exempt.stores} ended on {exempt.until}")
    return Excuse(ended=tuple(ended))


def selects(selector: str, store: Mapping[str, Any]) -> bool:
    """Say whether `store-042, store-1*, group:berlin` means a store."""
    name, groups = str(store.get("name", "")), store.get("groups") or ()
    for word in (part.strip() for part in selector.split(",")):
        if word.startswith(_GROUP):
            if any(fnmatchcase(str(group), word.removeprefix(_GROUP)) for group in groups):
                return True
        elif fnmatchcase(name, word):
            return True
    return False
