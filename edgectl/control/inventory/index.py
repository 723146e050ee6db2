"""Which lines of an inventory belong to which store, kept by the file's digest: one of 10,000 stores is found at once.

Owns the cache and its form. What is wrong or damaged in it is not used: the file is then read whole.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from edgectl.control.cache import cache
from edgectl.control.staging import staged

_FORMAT = 1
_WORTH = 50  # stores; smaller files are read whole as fast


@dataclass(frozen=True, slots=True)
class Index:
    """Every store of one file in its order: name, first line (from 0), own groups, own profile."""

    names: list[str]
    lines: list[int]
    groups: list[list[str]]
    profiles: list[str]
    end: int  # the line behind the last store's

    def excerpt(self, text: str, wanted: set[str]) -> tuple[str, list[tuple[int, int]]] | None:
        """Return the text without the other stores' lines, and which line of it is how much further down in the file.

        None where the file does not look as this index says.
        """
        lines = text.split("\n")
        first = self.lines[0]
        kept, moves = lines[:first], [(0, 0)]
        for position, name in enumerate(self.names):
            if name not in wanted:
                continue
            begin = self.lines[position]
            end = self.lines[position + 1] if position + 1 < len(self.lines) else self.end
            if not 0 < begin < end <= len(lines) or not _ends(lines, begin, end):
                return None
            moves.append((len(kept), begin - len(kept)))
            kept += lines[begin:end]
        moves.append((len(kept), self.end - len(kept)))
        return "\n".join([*kept, *lines[self.end :]]), moves


def find(data: bytes) -> Index | None:
    """Return the index of a file with this content; None where none is kept that can be believed."""
    try:
        head, _, body = _place(data).read_bytes().partition(b"\n")
        if head != hashlib.sha256(body).hexdigest().encode():
            return None
        doc = json.loads(body)
        if doc.pop("format") != _FORMAT or doc.pop("of") != hashlib.sha256(data).hexdigest():
            return None
        return Index(**doc)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def keep(data: bytes, index: Index) -> None:
    """Keep the index of a file; a cache that cannot be written is done without."""
    if len(index.names) < _WORTH:
        return
    doc = {"format": _FORMAT, "of": hashlib.sha256(data).hexdigest(), **asdict(index)}
    body = json.dumps(doc, separators=(",", ":")).encode()
    with suppress(OSError), staged(_place(data)) as stream:
        stream.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _place(data: bytes) -> Path:
    return cache("inventories") / f"{hashlib.sha256(data).hexdigest()}.json"


def _ends(lines: list[str], begin: int, end: int) -> bool:
    """Tell whether a store's lines end where the next thing stands no deeper than the store itself."""
    deep = len(lines[begin]) - len(lines[begin].lstrip(" "))
    for line in lines[end:]:
        text = line.lstrip(" ")
        if text and not text.startswith("#"):
            return len(line) - len(text) <= deep
    return True
