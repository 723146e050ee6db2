"""Values as a node says them, made into what a page can show: whatever comes, a text, a number, a list. Pure.

Owns: how much of a text is shown, and that no character of it can do more than stand there. Escaping is the template's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_MOST_LETTERS = 2000
_MOST_ITEMS = 400
_LARGEST = 1e15
# Control characters, and those that turn the direction of what follows: they would make a text read as another.
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ud800-\udfff]"
)


def text(value: Any, most: int = _MOST_LETTERS) -> str:
    """Return one text, cut where it is too long; "" for nothing."""
    if value is None:
        return ""
    found = value if isinstance(value, str) else str(value)
    cut = found[:most] + ("..." if len(found) > most else "")
    return _NO_TEXT.sub("\ufffd", cut)


def number(value: Any) -> float:
    """Return a number that can be drawn; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < _LARGEST else 0.0  # NaN is neither


def items(value: Any) -> list[Any]:
    """Return a list, [] for what is none."""
    return list(value)[:_MOST_ITEMS] if isinstance(value, list | tuple) else []


def fields(value: Any) -> dict[str, Any]:
    """Return a mapping, {} for what is none."""
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def texts(value: Any, most: int = 60) -> list[str]:
    """Return a list of texts, no longer than people read."""
    found = items(value)
    more = [f"... and {len(found) - most} more"] if len(found) > most else []
    return [text(item) for item in found[:most]] + more


def moment(value: Any) -> str:
    """Return a time as people read it, in UTC: from seconds since 1970, or from a text that says it."""
    if isinstance(value, str):
        return text(value, 40).replace("T", " ")[:16]
    seconds = number(value)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if 0 < seconds < 10**11 else ""
