"""Two states of a store, value by value.

Owns how JSON values are compared. Must not know where they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. Where there is none, `before` or `after` is None; `added`/`gone` tell it from null."""

    path: str
    before: Any
    after: Any
    added: bool = False
    gone: bool = False


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Yield every value that differs, in the order of the newer state; maps are gone into, lists are one value."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*after, *(key for key in before if key not in after)]:
            inside = f"{path}.{key}" if path else str(key)
            yield from changes(before.get(key, ABSENT), after.get(key, ABSENT), inside)
    elif before is ABSENT:
        yield from _whole(after, path, added=True)
    elif after is ABSENT:
        yield from _whole(before, path, added=False)
    elif type(before) is not type(after) or before != after:
        yield Change(path, before, after)


def _whole(value: Any, path: str, *, added: bool) -> Iterator[Change]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _whole(child, f"{path}.{key}" if path else str(key), added=added)
    else:
        yield Change(path, None if added else value, value if added else None, added=added, gone=not added)
