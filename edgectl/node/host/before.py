"""How units of the system were before edgectl changed them, to be put back when they are declared no more.

Owns: /var/lib/edgectl/owned/services.json. A unit is on the list before its state is changed and leaves it after what
was before is back, so whoever is killed in between finds the rest to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical


@dataclass(frozen=True, slots=True)
class Was:
    """One unit as it was: its unit file's state as systemd calls it ("": there was none), and whether it ran."""

    file: str
    ran: bool


class Before:
    """Of one node."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._list = look.places.owned / "services.json"

    def units(self) -> dict[str, Was]:
        """Return what is ours to put back."""
        try:
            doc = json.loads(self._look.text(self._list) or "{}")
            return {str(name): Was(str(was["file"]), bool(was["ran"])) for name, was in doc.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}  # torn by nothing that we know; better to leave units as they are than to guess

    def claim(self, write: Hands, units: Mapping[str, Was]) -> None:
        """Remember units that are about to be changed; one that is on the list already stays as it was first."""
        had = self.units()
        if new := {name: was for name, was in units.items() if name not in had}:
            self._keep(write, {**had, **new})

    def forget(self, write: Hands, names: Iterable[str]) -> None:
        """Take units off the list: they are as they were."""
        gone = set(names)
        self._keep(write, {name: was for name, was in self.units().items() if name not in gone})

    def _keep(self, write: Hands, units: Mapping[str, Was]) -> None:
        write.write(self._list, canonical(dict(units)).decode(), mode=0o600)
