"""The values of a store with their origins, for people.

Owns the columns. Must not know how layers lie.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from edgectl.control.inventory.explain import Explained, Said

_WIDEST = 44  # characters of a value; the JSON form has all of it


def lines(found: Iterable[Explained], *, whole: bool = False) -> Iterator[str]:
    """Yield `path: value`, then its layer and line, then each value that it replaced; `whole`: nothing is cut."""
    for one in found:
        yield f"{one.path}: {_value(one.said.value, whole=whole)}"
        yield f"    from {_origin(one.said)}"
        for said in one.over:
            yield f"    over {_value(said.value, whole=whole)}  {_origin(said)}"


def _origin(said: Said) -> str:
    return f"{said.layer}  {said.place.file}:{said.place.line}" if said.place else said.layer


def _value(value: Any, *, whole: bool) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if whole or len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
