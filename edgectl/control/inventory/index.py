"""Where each store stands in an inventory, kept by the file's digest: one of 10,000 stores is found at once.

Owns the cache and its form. What is wrong or damaged in it is not used: the file is then read whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.cache import cache
from edgectl.control.staging import staged

_HEAD = b"edgectl inventory index 1\n"
_FORM = re.compile(rb"(?:[^\t\n]+\t[0-9]+\t[0-9]+\t[^\n]*\n)*\t[0-9]+\t[0-9]+\t\n")
_WORTH = 50  # stores; smaller files are read whole as fast


@dataclass(frozen=True, slots=True)
class Row:
    """One store: its name, where its first line is (from 0, and in bytes), the groups and the profile it names."""

    name: str
    line: int
    start: int
    groups: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """Every store of one file in its order, a line of text each; the last line is where the stores end."""

    body: bytes

    @classmethod
    def of(cls, rows: list[Row], end: Row) -> Index:
        """Make an index; `end` is what stands behind the last store, with an empty name."""
        lines = ["\t".join([row.name, str(row.line), str(row.start), row.profile, *row.groups]) for row in [*rows, end]]
        return cls(b"\n" + "".join(line + "\n" for line in lines).encode())

    def rows(self) -> Iterator[Row]:
        """Go over all stores."""
        for line in self.body.splitlines()[1:-1]:
            yield _row(line)

    def names(self) -> tuple[str, ...]:
        """Return the names of all stores."""
        return tuple(line.partition(b"\t")[0].decode() for line in self.body.splitlines()[1:-1])

    def count(self) -> int:
        """Return how many stores there are."""
        return self.body.count(b"\n") - 2

    def has(self, name: str) -> bool:
        """Tell whether there is a store of this name."""
        return bool(name) and self._at(name) >= 0

    def excerpt(self, data: bytes, wanted: set[str]) -> tuple[str, list[tuple[int, int]]] | None:
        """Return the file without the other stores, and which line of that is how much further down in the file.

        None where the file does not look as this index says.
        """
        first, end = _row(self.body[1 : self.body.index(b"\n", 1)]), _row(self.body.splitlines()[-1])
        pieces, moves, line = [data[: first.start]], [(0, 0)], first.line
        for at in sorted(self._at(name) for name in wanted):
            here, behind = (_row(line) for line in self.body[at + 1 :].split(b"\n", 2)[:2])
            if not _ends(data, here.start, behind.start):
                return None
            pieces.append(data[here.start : behind.start])
            moves.append((line, here.line - line))
            line += behind.line - here.line
        pieces.append(data[end.start :])
        moves.append((line, end.line - line))
        try:
            return b"".join(pieces).decode("utf-8-sig"), moves
        except UnicodeDecodeError:
            return None

    def _at(self, name: str) -> int:
        return self.body.find(b"\n" + name.encode() + b"\t")


def find(data: bytes) -> Index | None:
    """Return the index of a file with this content; None where none is kept that can be believed."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        head, _, body = _place(digest).read_bytes().partition(b"\n\n")
    except OSError:
        return None
    if head + b"\n\n" != _head(digest, b"\n" + body) or not _FORM.fullmatch(body) or not _is_text(body):
        return None
    return Index(b"\n" + body)


def keep(data: bytes, index: Index) -> None:
    """Keep the index of a file; a cache that cannot be written is done without."""
    if index.count() < _WORTH:
        return
    digest = hashlib.sha256(data).hexdigest()
    with suppress(OSError), staged(_place(digest)) as stream:
        stream.write(_head(digest, index.body) + index.body[1:])


def _head(digest: str, body: bytes) -> bytes:
    return _HEAD + digest.encode() + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n\n"


def _place(digest: str) -> Path:
    return cache("inventories") / f"{digest}.tsv"


def _row(line: bytes) -> Row:
    name, number, start, profile, *groups = line.decode().split("\t")
    return Row(name, int(number), int(start), tuple(groups), profile)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _ends(data: bytes, start: int, end: int) -> bool:
    """Tell whether these bytes are lines that end where the next thing stands no deeper than they begin."""
    if not 0 < start < end <= len(data) or data[start - 1 : start] != b"\n" or data[end - 1 : end] != b"\n":
        return False
    deep = len(data[start:end]) - len(data[start:end].lstrip(b" "))
    at = end
    while at < len(data):
        stop = data.find(b"\n", at)
        line = data[at : stop if stop >= 0 else len(data)]
        text = line.lstrip(b" ").rstrip(b"\r")
        if text and not text.startswith(b"#"):
            return len(line) - len(line.lstrip(b" ")) <= deep
        at = stop + 1 if stop >= 0 else len(data)
    return True
