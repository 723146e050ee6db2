"""Versions that are brought ahead: named before their first byte comes, so that nobody takes the bytes away.

Owns NAME/next.json. A later deploy that names another version to come, or none, ends it (collect.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.io.files import unlink_synced, write_atomic
from edgectl.node.io.places import Places
from edgectl.node.models.registry import Registry
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import Model, Models

_FILE = "next.json"


@dataclass(frozen=True, slots=True)
class Expected:
    """A version to come. `sequence` is the newest that this node had taken when it was named."""

    model: Model
    sizes: dict[str, int]
    sequence: int

    def is_here(self, places: Places) -> bool:
        """Tell whether all of it has come."""
        return _are_here(places, self.model, self.sizes)


def read(registry: Registry, name: str) -> Expected | None:
    """Return what is to come of a model by a prefetch; None where nothing is."""
    try:
        return from_json(Expected, json.loads(_place(registry, name).read_bytes()))
    except (OSError, ValueError):
        return None


def write(registry: Registry, expected: Expected) -> None:
    """Name a version that is to come."""
    write_atomic(_place(registry, expected.model.name), canonical(to_json(expected)))


def end(registry: Registry, name: str) -> None:
    """Expect nothing of a model any more."""
    unlink_synced(_place(registry, name))


def ready(places: Places, name: str, declared: Models | None) -> Model | None:
    """Return the version to come of a model whose bytes are here: a prefetch's, else the payload's."""
    found = read(Registry(places), name)
    if found is not None and found.is_here(places):
        return found.model
    for model in declared.next if declared else ():
        if model.name == name and declared and _are_here(places, model, declared.sizes):
            return model
    return None


def ahead(places: Places, name: str, declared: Models) -> str:
    """Return the folder that `candidate` should name where no rollout runs: what has come ahead, and is whole here."""
    found, registry = ready(places, name, declared), Registry(places)
    if found is None or any(model.name == name and model.folder == found.folder for model in declared.current):
        return ""
    return "" if registry.note(name, found.folder) is None else found.folder


def _are_here(places: Places, model: Model, sizes: dict[str, int]) -> bool:
    for digest in model.files.values():
        try:
            if places.blob(digest).stat().st_size != sizes.get(digest):
                return False
        except FileNotFoundError:
            return False
    return True


def _place(registry: Registry, name: str) -> Path:
    return registry.of(name) / _FILE
