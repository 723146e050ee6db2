"""Which units of the system read which managed files at their start, and which of them run with an older text.

Owns: /var/lib/edgectl/owned/readers.json (path -> units, also of files that are declared no more) and the marks in
/run/edgectl/units, one a unit. A mark lies before a file is changed and goes after the unit's restart, so whoever is
killed in between finds the rest to do. None outlives a boot: everything then starts with the files as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical
from edgectl.wire.host import Service


def readers_of(services: Iterable[Service]) -> dict[str, tuple[str, ...]]:
    """Return path -> the units that read it."""
    found: dict[str, tuple[str, ...]] = {}
    for service in services:
        for path in service.reads:
            found[path] = (*found.get(path, ()), service.name)
    return found


class Readers:
    """Of one node."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._list = look.places.owned / "readers.json"

    def marked(self) -> tuple[str, ...]:
        """Return the units that must be restarted, if they run."""
        names = self._look.names(self._look.places.unit_marks)
        return tuple(name for name in names if not name.startswith("."))  # half a mark, as a kill leaves it

    def mark(self, write: Hands, paths: Iterable[str], declared: Mapping[str, tuple[str, ...]]) -> None:
        """Say that these files are about to change; `declared` is who reads what from now on."""
        had, changing = self._known(), set(paths)
        keeps = {**had, **{path: units for path, units in declared.items() if path in changing}}
        if keeps != had:
            write.write(self._list, canonical(keeps).decode(), mode=0o600)
        for unit in sorted({unit for path in changing for unit in (*had.get(path, ()), *declared.get(path, ()))}):
            write.write(self._look.places.unit_marks / unit, "")

    def forget(self, write: Hands, paths: Iterable[str]) -> None:
        """Forget who read files that are gone."""
        had, gone = self._known(), set(paths)
        if gone & had.keys():
            keeps = {path: units for path, units in had.items() if path not in gone}
            write.write(self._list, canonical(keeps).decode(), mode=0o600)

    def unmark(self, write: Hands, units: Iterable[str]) -> None:
        """Say that units run with what lies there now."""
        for unit in units:
            write.remove(self._look.places.unit_marks / unit)

    def _known(self) -> dict[str, tuple[str, ...]]:
        try:
            doc = json.loads(self._look.text(self._list) or "{}")
        except ValueError:  # torn by nothing that we know; then a file that goes restarts nobody until the next boot
            return {}
        return {str(path): tuple(map(str, units)) for path, units in doc.items()} if isinstance(doc, dict) else {}
