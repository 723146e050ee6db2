"""All that a store's payload hangs on, as data that can be compared: the inventory, files it names, edgectl itself.

Owns the list. What cannot be listed makes a store that is not kept. Imports nothing that takes time.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import edgectl
from edgectl.control.assets import templates
from edgectl.control.cache import cache

if TYPE_CHECKING:
    from edgectl.control.inventory.load import Inventory
    from edgectl.control.inventory.store import Store

Fact = list[Any]  # what is looked at, a path, what was found there
_HOME_OF = re.compile(r"~[^/]")  # another person's home: which it is, no file says


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one payload hangs on: `around` that of every store, `facts` what the store names, `day` the date or ""."""

    around: list[Any]
    facts: list[Fact]
    day: str

    @property
    def whole(self) -> bool:
        """Say whether edgectl's own files could be read."""
        return all(self.around[-2:])


def around(name: str, path: Path, data: bytes) -> list[Any]:
    """Return what every payload of a store hangs on: the inventory, edgectl, what it is built on, this machine."""
    return [
        name,
        os.path.realpath(path),
        hashlib.sha256(data).hexdigest(),
        str(cache("")),
        os.path.expanduser("~"),  # noqa: PTH111 - Path's own raises for an unknown home
        os.environ.get("PYTHONTZPATH"),
        os.uname().machine,
        sys.version,
        *sys.path,
        _distributions(),
        _tree(Path(edgectl.__file__).parent, ".py"),
        _tree(templates()),
    ]


def inputs(opened: Inventory, store: Store) -> Inputs | None:
    """Return all that a store's payload hangs on, as it is now; None where that cannot be said for sure."""
    trees = [store.tree, *(opened.node_tree(store.name, store.tree, node.name) for node in store.nodes)]
    bundle = opened.source.root().nearest("bundle").value
    trust = opened.source.root().get("trust")
    if not store.source.is_file():  # a pipe is read once
        return None
    if any("/" in release.chart for release in store.releases):  # a folder, packed with all that lies in it
        return None
    if any(
        _HOME_OF.match(text)
        for text in (
            bundle,
            *_texts(trust.value if trust else ""),
            *(word for tree in trees for word in _texts(tree.plain())),
        )
    ):
        return None
    files = [store.bundle / "index.json", store.bundle / "oci-layout"]
    files += [store.trust] if store.trust else []
    files += [store.inference.reference] if store.inference else []
    files += [key.path for secret in store.secrets for key in secret.keys.values() if key.sops]
    named = store.source.resolve().parent / os.path.expanduser(bundle)  # noqa: PTH111 - as above
    facts = [["link", str(named), str(store.bundle)]]
    facts += [look("file", path) for path in map(str, files)]
    facts += [look(*asked) for asked in _zones(store)]
    day = today() if store.policy and any(rule and rule.exceptions for rule in store.policy.rules.values()) else ""
    return Inputs(around(store.name, store.source, opened.source.data), facts, day)


def today() -> str:
    """Return the date that exceptions of rules end by."""
    return datetime.now(UTC).date().isoformat()


def look(kind: str, path: str) -> Fact:
    """Look at one thing: a file's content, where a path leads to, when something was changed last."""
    found: Any = None
    with suppress(OSError, ValueError):
        if kind == "file":
            found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        elif kind == "link":
            found = os.path.realpath(path)
        elif kind == "time":
            found = Path(path).stat().st_mtime_ns
    return [kind, path, found]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inside in value.values():
            yield from _texts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside)


def _zones(store: Store) -> Iterator[tuple[str, str]]:
    """Yield what shows that the time zones, which are no part of edgectl, are those that the store was held against."""
    from zoneinfo import TZPATH

    named = [store.facts.get("timezone"), *_texts(store.policy.model_dump(include={"deploy"}) if store.policy else {})]
    zones = {str(text).rpartition(" ")[2] for text in named if text}
    for folder in TZPATH:
        yield "time", folder
        yield "time", f"{folder}/tzdata.zi"
        for zone in sorted(zones):
            yield "file", f"{folder}/{zone}"


def _distributions() -> list[Any]:
    """Return what Python packages there are, and since when: a name holds the version."""
    found: list[Any] = []
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            named = [entry for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
            found += sorted([entry.name, entry.stat().st_mtime_ns] for entry in named)
    return found


def _tree(folder: Path, end: str = "") -> str:
    """Return the digest of all files below a folder, by name and content; "" where there are none to be read.

    They are read once as long as none of them was written: with many stores that was half of a command's time.
    """
    try:
        return _read(str(folder), end, tuple(_marks(str(folder), end)))
    except OSError:
        return ""


_Mark = tuple[str, bool, int, int, int, int]  # a path, whether it is a link, and what shows that it was written


def _marks(folder: str, end: str) -> Iterator[_Mark]:
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if is_folder := entry.is_dir():
                    folders += [] if entry.is_symlink() else [entry.path]
                if not end or (entry.name.endswith(end) and not is_folder):
                    now = entry.stat()
                    written = 0 if is_folder else now.st_mtime_ns  # what lies in a folder has marks of its own
                    changed = 0 if is_folder else now.st_ctime_ns
                    yield entry.path, entry.is_symlink(), now.st_ino, now.st_size, written, changed


@functools.lru_cache(maxsize=8)
def _read(folder: str, end: str, marks: tuple[_Mark, ...]) -> str:
    del marks
    digest, names = hashlib.sha256(folder.encode()), 0
    for here, folders, files in os.walk(folder, onerror=_raise):
        folders.sort()
        inside = [name for name in sorted(files) if name.endswith(end)]
        for name in () if end else folders:
            digest.update(f"\0{here}/{name}\0{Path(here, name).is_symlink()}".encode())
        for name in inside:
            path = Path(here, name)
            data = path.read_bytes()
            digest.update(f"\0{path}\0{path.is_symlink()}\0{len(data)}\0".encode() + data)
        names += len(inside)
    return digest.hexdigest() if names else ""


def _raise(error: OSError) -> None:
    raise error
