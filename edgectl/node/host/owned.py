"""Which files on this node are ours, and what stood in their place before.

Owns: /var/lib/edgectl/owned/<step>.json and the originals beside it. A path is on the list before its file is written
and leaves it after what was there before is back, so whoever is killed in between finds the rest to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical


class Owned:
    """The files of one step."""

    def __init__(self, look: Look, step: str) -> None:
        self._look = look
        self._list = look.places.owned / f"{step}.json"

    def paths(self) -> set[str]:
        """Return what is ours to take away."""
        try:
            doc = json.loads(self._look.text(self._list) or "[]")
        except ValueError:  # torn by nothing that we know; better to leave files lying than to remove a stranger's
            return set()
        return {str(path) for path in doc} if isinstance(doc, list) else set()

    def claim(self, write: Hands, paths: Iterable[str]) -> None:
        """Put paths on the list, and keep what a stranger has there."""
        had = self.paths()
        new = set(paths) - had
        if not new:
            return
        for path in sorted(new):
            place = self._place(path)
            if place.is_symlink():
                write.link(self._original(path), str(place.readlink()))
            elif (mode := write.mode(place)) is not None and place.is_file():
                write.copy(place, self._original(path), mode=mode)
        write.write(self._list, canonical(sorted(had | new)).decode(), mode=0o600)

    def retire(self, write: Hands, paths: Iterable[str]) -> None:
        """Take files away, put back what was there before us, and forget them."""
        gone = set(paths)
        for path in sorted(gone):
            original = self._original(path)
            if original.is_symlink():
                write.link(self._place(path), str(original.readlink()))
            elif (mode := write.mode(original)) is None:
                write.remove(self._place(path))
            else:
                write.copy(original, self._place(path), mode=mode)
        write.write(self._list, canonical(sorted(self.paths() - gone)).decode(), mode=0o600)
        for path in gone:
            self._original(path).unlink(missing_ok=True)

    def _place(self, path: str) -> Path:
        return self._look.places.root / path.lstrip("/")

    def _original(self, path: str) -> Path:
        return self._look.places.owned / "originals" / hashlib.sha256(path.encode()).hexdigest()
