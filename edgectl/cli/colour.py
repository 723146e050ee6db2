"""Whether results on stdout may have colours: on a terminal that takes them, unless NO_COLOR asks for none."""

from __future__ import annotations

import os
import sys


def coloured() -> bool:
    """Tell it; FORCE_COLOR makes colour where there is no terminal (https://no-color.org, https://force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
