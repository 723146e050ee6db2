"""What the watchdog has last heard of rollouts: for people who look. Nothing is decided by it.

Owns a file on tmpfs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field

from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.rollout import Progress

_FILE = "rollouts.json"


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one rollout; `trouble` says why the service was not heard the last time."""

    id: str
    progress: Progress | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _All:
    models: dict[str, Heard] = field(default_factory=dict)


def read(places: Places) -> dict[str, Heard]:
    """Return it by model; nothing where nothing was heard in this boot."""
    try:
        return from_json(_All, json.loads((places.run / _FILE).read_bytes())).models
    except (OSError, ValueError):
        return {}


def keep(places: Places, found: dict[str, Heard]) -> None:
    """Note it, where it is anything new."""
    if found != read(places):
        with suppress(OSError):
            write_atomic(places.run / _FILE, canonical(to_json(_All(found))))
