"""Words of others as they may go to a terminal: pods and clusters write what they like.

Owns what is let through: letters that can be printed, and tabs. No cursor moves, no colours, no other direction.
"""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def plain(text: str) -> str:
    """Return one line of it: colours gone, whatever else cannot be printed as "?"."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "?" for sign in _COLOUR.sub("", text).rstrip("\r\n"))
