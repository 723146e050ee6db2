"""Where the templates, charts and models that come with edgectl lie.

Owns that one question. Must not know what is in them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def templates() -> Path:
    """Return the templates folder: inside an installed wheel, else beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


@cache
def reference(model: str) -> Path:
    """Return the golden answer of the newest version of a model that comes with edgectl; it may not be there."""
    versions = templates() / "models" / (model or "-")
    found = [path for path in versions.glob("*/reference.json") if path.parent.name.isdecimal()]
    return max(found, key=lambda path: int(path.parent.name), default=versions / "reference.json")
