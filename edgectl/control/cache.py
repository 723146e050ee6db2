"""The operator's cache: what can be made again, by digest.

Owns where it lies. Losing it costs time, never correctness.
"""

from __future__ import annotations

import os
from pathlib import Path


def cache(folder: str) -> Path:
    """Return one folder of the user's cache (XDG base directories); it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".cache") / "edgectl" / folder
