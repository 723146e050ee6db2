"""Which lines are an audit's: those whose fields are what edgectl writes in them.

Owns: the fields, and what each of them is. A line that somebody has doctored is none, so that nobody who reads on has
to ask. A field that only a newer edgectl knows is let through. Must not know chains, nor judge what is no line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from edgectl.wire.audit import GOES_ON, TORN
from edgectl.wire.audit import read as parsed

_NEEDED = frozenset({"v", "chain", "n", "prev", "what", "time", "up"})
_NEEDED_BY = {GOES_ON: "from", TORN: "torn"}
_MOST = 10**15
_DEEPEST = 8  # lists and objects in one another; edgectl writes two
_HALVES = re.compile("[\ud800-\udfff]")  # of a character: JSON may name one alone, and UTF-8 has no bytes for it


def read(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None where it is none that edgectl can have written."""
    found = parsed(line)
    if found is None or not _can_be_written(found, _DEEPEST) or not found.keys() >= _NEEDED:
        return None
    if not all(fits(found[name]) for name, fits in _FIELDS.items() if name in found):
        return None
    if _NEEDED_BY.get(found["what"], "n") not in found:
        return None
    if isinstance(found.get("outcome"), str) and found.get("phase") == "ended":  # only what is refused has a sentence
        return None
    return found


def _can_be_written(value: Any, deepest: int) -> bool:
    """Tell whether a value can be shown, and written again as JSON."""
    if isinstance(value, str):
        return _HALVES.search(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return deepest > 0 and all(
            _can_be_written(key, 0) and _can_be_written(one, deepest - 1) for key, one in value.items()
        )
    return not isinstance(value, list) or (deepest > 0 and all(_can_be_written(one, deepest - 1) for one in value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def _number(value: Any) -> bool:
    return isinstance(value, float) or _whole(value)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _came(value: Any) -> bool:
    """Tell whether it is what came of something: a sentence, or a verdict's words."""
    return _text(value) or (isinstance(value, dict) and _text(value.get("word", "")) and _whole(value.get("exit", 0)))


_FIELDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("chain", "prev", "what", "time", "boot", "torn"), _text),  # of the chain
    **dict.fromkeys(("v", "n", "bytes", "from"), _whole),
    "up": _number,
    **dict.fromkeys(("store", "node", "phase", "run", "payload", "commit", "follows", "reason", "peer", "head"), _text),
    "sequence": _whole,
    "orders": _names,
    **dict.fromkeys(("by", "asked", "seen"), _texts),
    "outcome": _came,
}
