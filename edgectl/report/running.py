"""Many stores under way, on stderr: a line when one ends, and on a terminal one more that says how far all are.

Owns that line and its taking back. Cheap on purpose: no library draws it.
"""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from edgectl.control.fleet.ended import Ended
from edgectl.report.fleet import line

_BACK = "\r\x1b[K"


class Running:
    """Called from one thread."""

    def __init__(self, command: str, stores: int, stream: TextIO | None = None) -> None:
        self._command = command
        self._stores = stores
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._ended = 0
        self._way: dict[str, None] = {}

    def begun(self, store: str) -> None:
        """Note that a store is under way."""
        self._way[store] = None
        self._draw()

    def ended(self, one: Ended) -> None:
        """Say how a store has ended."""
        self._way.pop(one.store, None)
        self._ended += 1
        self._stream.write((_BACK if self._live else "") + line(self._command, one) + "\n")
        self._draw()

    def close(self) -> None:
        """Leave the terminal clean."""
        if self._live:
            self._stream.write(_BACK)
            self._stream.flush()

    def _draw(self) -> None:
        if self._live:
            text = f"  {self._ended} of {self._stores} ended, {len(self._way)} under way: {' '.join(self._way)}"
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(_BACK + (text if len(text) <= width else f"{text[: width - 4]} ..."))
            self._stream.flush()
