"""Lengths of time as people write them. Both sides read them the same way."""

from __future__ import annotations

import re

_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_SECONDS = 30 * 86400.0


def seconds(text: str, *, longest: float = LONGEST_SECONDS) -> float:
    """Return `30m`, `2h`, `1d` in seconds; ValueError for anything else, and for more than `longest`."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", text, re.ASCII)
    if not found or not 0 < float(found[1]) * _UNIT_SECONDS[found[2]] <= longest:
        raise ValueError(f"write 30m, 2h or 1d; {longest / 86400:.0f}d at most")
    return float(found[1]) * _UNIT_SECONDS[found[2]]
