"""Names that may become files and folders on any machine, whoever sent them.

Owns which ones. Must not know what they name.
"""

from __future__ import annotations

import re

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


def is_safe(name: str) -> bool:
    """Tell whether a text names one file or folder, and leads nowhere else: no slash, nothing hidden."""
    return bool(_SAFE.fullmatch(name)) and not name.endswith(".")
