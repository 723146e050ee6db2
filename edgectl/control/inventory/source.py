"""The inventory file: read once, and of it as much made into trees as is asked for.

Owns files that cannot be read and YAML that is broken. Must not know which keys mean something, but that stores lie
under `stores`.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgectl.control.inventory import index
from edgectl.control.inventory.broken import broken
from edgectl.control.inventory.build import Build, Entry, TooMuch
from edgectl.control.inventory.index import Index, Row
from edgectl.control.inventory.place import Finding, Place, invalid
from edgectl.control.inventory.tree import Tree
from edgectl.wire.errors import InvalidInput

_WHOLE = 3  # one store in so many, and the whole file is read instead
_UNFIT = re.compile(r"[\s\x00-\x1f]")  # in names: the index is lines and tabs
_PARTS = 4  # who asks for more, one after the other, asks for all
_MARKS = {  # how a file begins that is not UTF-8, the longer first
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_OTHER_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")  # YAML counts lines by these, too


@dataclass(slots=True)
class Source:
    """One inventory file."""

    path: Path
    data: bytes
    _index: Index | None
    _build: Build | None = None
    _whole: bool = False
    _parts: int = 0

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read the file; InvalidInput when it is missing or no text."""
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise InvalidInput(
                f"there is no inventory at {path}",
                hint="Write a starter with `edgectl init`, or name the file with --inventory or EDGECTL_INVENTORY.",
                docs="inventory",
            ) from error
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error}", docs="inventory") from error
        found = index.find(data)
        if found is None:
            _decoded(path, data)
        return cls(path, data, found)

    def names(self) -> tuple[str, ...]:
        """Return the names of all stores, in the order of the file."""
        return self._index.names() if self._index else tuple(self._read_whole().stores)

    def has(self, name: str) -> bool:
        """Tell whether there is a store of this name."""
        return self._index.has(name) if self._index else name in self._read_whole().stores

    def rows(self) -> Iterator[Row]:
        """Go over all stores: their names, and the groups and the profile that each names itself."""
        if self._index:
            yield from self._index.rows()
        else:
            yield from _rows(self._read_whole(), self.data)

    def want(self, names: Collection[str]) -> None:
        """Say which stores will be asked for: if they are few, only their lines are read."""
        if self._whole or (self._build is not None and all(name in self._build.stores for name in names)):
            return
        self._parts += 1
        few = self._index is not None and len(names) * _WHOLE <= self._index.count() and self._parts <= _PARTS
        if not few or not self._read_part(set(names)):
            self._read_whole()

    def root(self) -> Tree:
        """Return the file's top: a map without the stores' content where only some of them were read."""
        return self.build.root

    @property
    def build(self) -> Build:
        """What has been read."""
        return self._build or self._read_whole()

    def entry(self, name: str) -> Entry | None:
        """Return one store; None when the file has none of this name."""
        if self._build is None or (name not in self._build.stores and not self._whole):
            self.want([name] if self.has(name) else [])
        return self.build.stores.get(name)

    def _read_whole(self) -> Build:
        if self._build is not None and self._whole:
            return self._build
        text = _decoded(self.path, self.data)
        build = self._run(text, ())
        self._build, self._whole = build, True
        plain_lines = _OTHER_BREAKS.search(text) is None
        if self._index is None and build.in_lines and plain_lines and not build.anchored and not build.findings:
            rows = _rows(build, self.data)
            if rows and not any(_UNFIT.search(word) for row in rows for word in (row.name, row.profile, *row.groups)):
                self._index = Index.of(rows, Row("", build.end, _starts(self.data, [build.end])[0]))
                index.keep(self.data, self._index)
        return build

    def _read_part(self, names: set[str]) -> bool:
        """Read only these stores' lines; False where the index turns out to be wrong."""
        found = self._index.excerpt(self.data, names) if self._index else None
        if found is None:
            self._index = None
            return False
        try:
            build = self._run(*found)
        except InvalidInput:  # a file is indexed only when it can be read
            self._index = None
            return False
        if set(build.stores) != names:
            self._index = None
            return False
        self._build = build
        return True

    def _run(self, text: str, moves: Any) -> Build:
        build = Build(text, str(self.path), moves)
        try:
            with _without_collection():
                return build.run()
        except TooMuch as error:
            raise invalid(self.path, [error.finding]) from error
        except yaml.YAMLError as error:
            line, column, sentence = broken(error, text)
            raise invalid(self.path, [Finding(Place(str(self.path), line, column), sentence)]) from error
        except RecursionError as error:
            raise invalid(self.path, [Finding(Place(str(self.path), 1, 1), "broken YAML: too deep")]) from error


def _decoded(path: Path, data: bytes) -> str:
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise invalid(path, [Finding(Place(str(path), 1, 1), f"the file is {name}: save it as UTF-8")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig")) + 1
        sentence = f"byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8"
        raise invalid(path, [Finding(Place(str(path), line, column), sentence)]) from error


def _rows(build: Build, data: bytes) -> list[Row]:
    starts = _starts(data, [entry.line for entry in build.stores.values()])
    rows = []
    for (name, entry), start in zip(build.stores.items(), starts, strict=True):
        found, said = entry.tree.get("groups"), entry.tree.get("profile")
        listed = found.value if found is not None and isinstance(found.value, list) else []
        profile = said.value if said is not None and isinstance(said.value, str) else ""
        rows.append(Row(name, entry.line, start, tuple(str(item.value) for item in listed), profile))
    return rows


def _starts(data: bytes, lines: list[int]) -> list[int]:
    """Return where these lines, which ascend, begin in the file."""
    starts, at, number = [], 0, 0
    for line in lines:
        while number < line and at < len(data):
            found = data.find(b"\n", at)
            at, number = (found + 1 if found >= 0 else len(data)), number + 1
        starts.append(at)
    return starts


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the cycle collector out while thousands of values are made, and out of those for ever: none is a cycle.

    It would look through all of them again and again, which doubles the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
