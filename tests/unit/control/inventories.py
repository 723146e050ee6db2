"""What a store of an inventory is, for comparison: read by the index, and read from the whole file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from edgectl.control.cache import cache
from edgectl.control.inventory.load import load
from edgectl.control.inventory.store import Store
from edgectl.wire.errors import InvalidInput


def content(path: Path, name: str) -> tuple[Any, ...]:
    """Return all that a store becomes, or what is wrong with it, and where its values stand."""
    try:
        store = load(path).store(name)
    except InvalidInput as error:
        return (error.message, error.details, error.hint)
    return content_of(store)


def stored() -> list[Path]:
    """Return the files of the cache."""
    return sorted(cache("inventories").glob("*.tsv"))


def forget() -> None:
    """Empty the cache."""
    for path in stored():
        path.unlink()


def whole(path: Path, names: list[str]) -> dict[str, tuple[Any, ...]]:
    """Return stores read without an index."""
    found = {}
    for name in names:
        forget()
        found[name] = content(path, name)
    forget()
    return found


def same(path: Path, names: list[str], *, kept: bool | None = None) -> None:
    """Check that an index, if one is made, changes nothing of these stores."""
    expected = whole(path, names)
    with suppress(InvalidInput):
        load(path).names()
    if kept is not None:
        assert bool(stored()) is kept
    assert {name: content(path, name) for name in names} == expected


def content_of(store: Store) -> tuple[Any, ...]:
    """Return all that a store is, and where its values stand."""
    layers = [(key, child.at, child.key_at, child.layer) for key, child in store.tree.items()]
    return (store.facts, store.nodes, store.releases, store.inference, store.title, store.tree.plain(), layers)
