"""What rendering gives. Must import nothing that takes time: a payload that is kept is shown at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.wire.payload import Payload


@dataclass(frozen=True, slots=True)
class Rendered:
    """A payload, and where each blob that it names lies on this machine."""

    payload: Payload
    blob_paths: dict[str, Path]
    hooks: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)  # by release: they run and go
    next_paths: dict[str, Path] = field(default_factory=dict)  # of models to come, which no deploy sends
