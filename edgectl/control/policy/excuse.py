"""Which stores an exception is for, and until when.

Owns selectors of stores and the last day of an exception. Must not know what is excused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from edgectl.control.inventory.policy_schema import Exempt
from edgectl.control.inventory.selector import Labels, Matches, selector


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


def selects(text: str, store: Mapping[str, Any]) -> bool:
    """Say whether a selector means a store."""
    groups = tuple(str(group) for group in store.get("groups") or ())
    return _selector(text)(Labels(str(store.get("name", "")), groups, str(store.get("profile") or "")))


_selector: Callable[[str], Matches] = functools.cache(selector)
