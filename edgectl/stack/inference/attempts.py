"""Versions that end the service while they are loaded: too large for the pod's memory, or a crash in native code.

Owns: a file for each load that has not come to its end, in a folder that outlives the process and not the pod. Without
it a candidate would end what serves again and again. One end may be anybody's; the second is the version's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST = 2


class Attempts:
    """`folder` None: nothing is noted."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def deadly(self, version: str) -> bool:
        """Tell whether this version's folder has ended the service too often."""
        return self._count(version) >= MOST

    @contextmanager
    def noted(self, version: str) -> Iterator[None]:
        """Note that it is being loaded; whoever ends the service in here leaves the note."""
        self._write(version, self._count(version) + 1)
        try:
            yield
        finally:
            if self._folder is not None:
                with suppress(OSError):
                    (self._folder / version).unlink()

    def _count(self, version: str) -> int:
        if self._folder is None:
            return 0
        try:
            return int((self._folder / version).read_text())
        except (OSError, ValueError):
            return 0

    def _write(self, version: str, count: int) -> None:
        if self._folder is None:
            return
        with suppress(OSError):  # a folder that cannot be written to stops no model
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / version).write_text(str(count))
