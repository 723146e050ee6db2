"""Stores of two inventories held against each other: values, and what the difference does to them.

Owns which stores are touched. Must not know where the older inventory came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.control.inventory.changes import Change, changes
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.store import Store
from edgectl.control.payload.effects import Effects, effects
from edgectl.wire.document import to_json
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Payload, decode

Render = Callable[[Store], Payload]


@dataclass(slots=True)
class Touched:
    """One store that becomes something else. `state` is changed, new, gone or broken (then `why` says so)."""

    store: str
    state: str
    values: tuple[Change, ...] = ()  # of the inventory
    content: tuple[Change, ...] = ()  # of the payload
    effects: Effects = field(default_factory=Effects)
    why: tuple[str, ...] = ()


def compare(
    before: Inventory, after: Inventory, names: Iterable[str], render_before: Render, render_after: Render
) -> list[Touched]:
    """Return the stores of `names` that differ, in that order, then those that are gone."""
    old, found = set(before.names()), []
    for name in names:
        try:
            store = after.store(name)
            payload = render_after(store)
        except InvalidInput as error:
            found.append(broken(name, error))
            continue
        found += _touched(name, before if name in old else None, store, payload, render_before)
    kept = set(after.names())
    return found + [Touched(name, "gone") for name in before.names() if name not in kept]


def broken(name: str, error: InvalidInput) -> Touched:
    """Return a store that cannot be rendered."""
    said = tuple(line for line in error.details if not line.startswith(" "))  # findings, without evidence
    return Touched(name, "broken", why=said or (error.message,))


def _touched(
    name: str, before: Inventory | None, store: Store, payload: Payload, render_before: Render
) -> list[Touched]:
    if before is None:
        return [Touched(name, "new", effects=effects(None, payload))]
    try:
        was = before.store(name)
        old = render_before(was)
    except InvalidInput:
        return [Touched(name, "new", effects=effects(None, payload), why=("it could not be rendered before",))]
    values = tuple(changes(was.tree.plain(), store.tree.plain()))
    if not values and old.digest == payload.digest:
        return []
    return [Touched(name, "changed", values, content(old, payload), effects(old, payload))]


def with_folder(payload: Payload, folder: Path, *, alone: bool) -> list[Touched]:
    """Return the store, if it differs from what `render --to` has written; `alone`: it is the only one there.

    Raises InvalidInput where that cannot be read.
    """
    place = folder / "payload.json" if alone else folder / payload.store / "payload.json"
    try:
        old = decode(place.read_bytes())
    except FileNotFoundError:
        return [Touched(payload.store, "new", effects=effects(None, payload), why=(f"there is no {place}",))]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{place} cannot be read as a payload: {error}") from error
    if old.digest == payload.digest:
        return []
    found = content(old, payload)
    return [Touched(payload.store, "changed", content=found, effects=effects(old, payload))]


def content(before: Payload, after: Payload) -> tuple[Change, ...]:
    """Return what differs in what is sent; nodes, releases and files are known by their names."""
    return tuple(changes(_named(before), _named(after)))


def _named(payload: Payload) -> dict[str, Any]:
    doc: dict[str, Any] = to_json(payload)
    doc.pop("blobs")
    for node in doc["nodes"]:
        for part in ("host", "k3s"):
            node[part]["files"] = {file["path"]: file for file in node[part]["files"]}
        for key, found in node["host"].get("os", {}).get("packages", {}).items():
            node["host"]["os"]["packages"][key] = {
                f"{one['name']} {one['version']}" if key == "pool" else one["name"]: one for one in found
            }
        node["k3s"]["images"] = {", ".join(image["refs"]): image["archive"] for image in node["k3s"]["images"]}
    doc["nodes"] = {node["name"]: node for node in doc["nodes"]}
    for release in doc["releases"]:
        release["manifests"] = {_object(manifest): manifest for manifest in release["manifests"]}
    if doc["models"]:
        for key in ("current", "next"):
            doc["models"][key] = {model["name"]: model for model in doc["models"][key]}
    doc["releases"] = {release["name"]: release for release in doc["releases"]}
    return doc


def _object(manifest: dict[str, Any]) -> str:
    return f"{manifest.get('kind')}/{(manifest.get('metadata') or {}).get('name')}"
