"""What a change of the inventory touches, for people and programs.

Owns its form. Must not know how it was found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from edgectl.control.inventory.changes import Change
from edgectl.control.payload.compare import Touched
from edgectl.report.words import count, size

_WIDEST = 60  # characters of a value
_NAMED = 5  # stores that are named where the same happens to many


def document(found: Sequence[Touched], looked: int) -> dict[str, Any]:
    """Return the JSON document."""
    return {"looked": looked, "touched": [asdict(one) for one in found]}


def lines(found: Sequence[Touched], looked: int, *, verbose: bool, content: bool = False) -> Iterator[str]:
    """Yield what happens; the same change in many stores is said once. `content`: of what is sent, not of values."""
    for stores, one in _alike(found, content=content):
        shown = stores if verbose else stores[:_NAMED]
        more = f" and {len(stores) - len(shown)} more" if len(stores) > len(shown) else ""
        yield f"{', '.join(shown)}{more}  {one.state}"
        for sentence in (*one.effects.sentences(), *one.why):
            yield f"    {sentence}"
        if one.effects.new_bytes:
            yield f"    new content: {size(one.effects.new_bytes)}"
        for change in one.content if content else one.values:
            yield f"  {_change(change)}"
    touched = count(len(found), "store")
    yield f"{touched} of {looked} touched" if found else f"{count(looked, 'store')}: nothing changes"


def _alike(found: Iterable[Touched], *, content: bool) -> Iterator[tuple[list[str], Touched]]:
    groups: dict[str, tuple[list[str], Touched]] = {}
    for one in found:
        seen = one.content if content else one.values
        key = json.dumps([one.state, one.why, asdict(one.effects), [asdict(change) for change in seen]], default=str)
        groups.setdefault(key, ([], one))[0].append(one.store)
    yield from groups.values()


def _change(change: Change) -> str:
    if change.added:
        return f"+ {change.path}: {_value(change.after)}"
    if change.gone:
        return f"- {change.path}: {_value(change.before)}"
    return f"~ {change.path}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
