"""The same trouble in many stores, as one.

Owns what makes two reasons the same: all but what is each store's own (names, addresses, times, amounts). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from edgectl.control.fleet.ended import OUTCOMES, PENDING, Ended

DIFFERS = "..."
# Numbers that say what it is (an exit code, an Xid, a GPU's index, a version) stay: they tell two causes apart.
_OWN = r"""
    \b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?           # a moment
    | \b\d\d?:\d\d(?::\d\d)?\b(?:\ UTC)?                            # a time of day
    | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b                          # an address
    | \b[0-9a-f:]*::[0-9a-f:]*[0-9a-f]\b                           # the same, of the other kind
    | \b(?:GPU-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b              # a UUID
    | \b(?=[a-f]*\d)[0-9a-f]{7,}\b                                  # a digest, a serial
    | \b\d[\d,.]*\ ?(?:B|KB|MB|GB|KiB|MiB|GiB|TiB|ms|s|min|h|days?|events?|seconds|times)\b  # an amount
"""
_NAME = r"(?P<name>[a-zA-Z][\w-]*(?:\.[\w-]+)*)"
_PATTERN = re.compile(rf"{_OWN}|{_NAME}", re.VERBOSE)
_HOLE = "\0"


@dataclass(frozen=True, slots=True)
class Cause:
    """What one or more stores have come to. `reason` has dots where theirs differ; `first` is one of them, whole."""

    outcome: str
    word: str
    reason: str
    first: Ended
    stores: tuple[str, ...] = field(default=())


def causes(all_ended: Iterable[Ended]) -> list[Cause]:
    """Return what stores have come to: the well first, within an outcome the most frequent first."""
    alike: dict[tuple[str, str, str, str], list[tuple[Ended, tuple[str, ...]]]] = {}
    for one in all_ended:
        form, values = _taken_apart(one)
        alike.setdefault((one.outcome, one.word, one.step, form), []).append((one, values))
    found = [_cause(form, same) for (*_, form), same in alike.items()]
    return sorted(found, key=_place)


def _place(one: Cause) -> tuple[int, bool, int, tuple[str, ...]]:
    return OUTCOMES.index(one.outcome), one.word == PENDING, -len(one.stores), one.stores


def _cause(form: str, same: list[tuple[Ended, tuple[str, ...]]]) -> Cause:
    """Put the stores' values back into the form; dots where they differ."""
    first = same[0][0]
    texts = form.split(_HOLE)
    values = [each[0] if len(set(each)) == 1 else DIFFERS for each in zip(*(own for _, own in same), strict=True)]
    reason = "".join(text + value for text, value in zip_longest(texts, values, fillvalue=""))
    return Cause(first.outcome, first.word, reason, first, tuple(one.store for one, _ in same))


def _taken_apart(one: Ended) -> tuple[str, tuple[str, ...]]:
    """Return a reason with holes for what may be the store's own, and what stood there."""
    values: list[str] = []
    own = {one.store, *one.own}

    def take(found: re.Match[str]) -> str:
        if found["name"] is not None and found["name"] not in own:
            return found[0]
        values.append(found[0])
        return _HOLE

    return _PATTERN.sub(take, one.reason.replace(_HOLE, "")), tuple(values)
