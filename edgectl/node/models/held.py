"""A hold: a person, or a rollout, has turned a version down; the store stays where it is until another is declared.

Owns NAME/held.json. It is written before the links are switched: whoever is killed in between finds a whole decision.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.io.files import unlink_synced, write_atomic
from edgectl.node.models.registry import Registry
from edgectl.wire.document import canonical, from_json, to_json

ITSELF = "itself"  # who holds a model that its own rollout has turned down
_FILE = "held.json"


@dataclass(frozen=True, slots=True)
class Held:
    """Where a model is held, and from where it has gone back: versions for people, folders for the links."""

    version: str
    folder: str
    from_version: str
    from_folder: str
    who: str
    why: str
    when: str  # RFC 3339, the node's clock

    def sentence(self) -> str:
        """Say it to a person."""
        since = self.when.replace("T", " ")[:16]
        return f"held at {self.version} by {self.who} since {since} UTC" + (f": {self.why}" if self.why else "")


def read(registry: Registry, name: str) -> Held | None:
    """Return the hold of a model; None where there is none, or where the version that is held is gone."""
    try:
        found = from_json(Held, json.loads(_place(registry, name).read_bytes()))
    except (OSError, ValueError):
        return None
    return found if registry.at(name, found.folder).is_dir() else None


def holds(registry: Registry, name: str, declared: str) -> Held | None:
    """Return the hold of a model as long as what is declared is what was gone back from."""
    found = read(registry, name)
    return found if found is not None and found.from_folder == declared else None


def target(registry: Registry, name: str, declared: str) -> str:
    """Return the version that `current` should name."""
    hold = holds(registry, name, declared)
    return hold.folder if hold else declared


def sentences(registry: Registry) -> list[str]:
    """Return a sentence for each model that a person holds."""
    found = ((name, read(registry, name)) for name in registry.names())
    return [f"{name} {hold.sentence()}" for name, hold in found if hold is not None]


def write(registry: Registry, name: str, held: Held) -> None:
    """Hold a model."""
    write_atomic(_place(registry, name), canonical(to_json(held)))


def end(registry: Registry, name: str) -> None:
    """Let go of a model."""
    unlink_synced(_place(registry, name))


def _place(registry: Registry, name: str) -> Path:
    return registry.of(name) / _FILE
