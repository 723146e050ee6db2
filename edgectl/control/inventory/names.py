"""The names of stores while somebody types one: fast, and silent about whatever is wrong.

Owns: how names are found without reading what the stores are. Commands never use it: what it misses, they find.
"""

from __future__ import annotations

import re
from pathlib import Path

from edgectl.control.inventory import index

_MOST_BYTES = 64 * 1024 * 1024
_SECTION = re.compile(rb"^stores:[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)
_KEY = re.compile(rb"^( +)([\"']?)([a-z0-9][a-z0-9-]*)\2:(?=[ \t\r]|$)", re.MULTILINE)
_NEXT = re.compile(rb"^[^ \t#\r\n]", re.MULTILINE)
_SMALL_BYTES = 256 * 1024


def names(path: Path) -> tuple[str, ...]:
    """Return the names of the stores of an inventory; none where it cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ()
        data = path.read_bytes()
        if (found := index.find(data)) is not None:
            return found.names()
        return _seen(data) or (_read(path) if len(data) <= _SMALL_BYTES else ())
    except Exception:  # noqa: BLE001 - a person types: no words of ours belong on that line
        return ()


def _seen(data: bytes) -> tuple[str, ...]:
    """Return the keys that stand least deep below `stores:`, each on a line of its own."""
    head = _SECTION.search(data)
    if head is None:
        return ()
    end = _NEXT.search(data, head.end())
    keys = list(_KEY.finditer(data, head.end(), end.start() if end else len(data)))
    if not keys:
        return ()
    depth = len(keys[0][1])
    return tuple(key[3].decode() for key in keys if len(key[1]) == depth)


def _read(path: Path) -> tuple[str, ...]:
    """Return them of a file of another form ({a: ..., b: ...}), read as the commands do."""
    from edgectl.control.inventory.source import Source

    return Source.read(path).names()
