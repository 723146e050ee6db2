"""What drift is told: where the bus is, how it judges, where it keeps what it has learnt.

Owns: the file's shape and its defaults. Must not know how anything is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgectl.stack.drift.rules import Rules
from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.ops.settings import read as told


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `reference`: a file that another store's drift has kept (drift.json), to begin with."""

    bus: BusAddress = field(default_factory=BusAddress)
    rules: Rules = field(default_factory=Rules)
    data: str = "/data"  # a folder to keep what was learnt; where it is missing, a restart learns anew
    reference: str = ""
    report_seconds: float = 60.0
    keep_seconds: float = 600.0
    forget_seconds: float = 7 * 86400.0  # a camera that has sent nothing for so long is none any more
    most_cameras: int = 64


def read(file: Path) -> Settings:
    """Return what a file says; ValueError is a sentence."""
    settings = told(Settings, file)
    if min(settings.report_seconds, settings.keep_seconds, settings.forget_seconds, settings.most_cameras) <= 0:
        raise ValueError(f"{file}: report_seconds, keep_seconds, forget_seconds and most_cameras are more than 0")
    return settings
