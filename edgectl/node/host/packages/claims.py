"""Which packages of this system are there by us, and what was there before.

Owns: /var/lib/edgectl/owned/packages.json. A package is on the list before apt touches it and leaves it after it is
gone, so whoever is killed in between finds the rest to do. What was there before us is never removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical, from_json, to_json


@dataclass(frozen=True, slots=True)
class Claim:
    """`was`: the version before us, "" for none. `by`: the step that has brought it, or has put it on hold."""

    was: str = ""
    by: str = ""
    is_asked: bool = True  # declared itself; else it came because something declared needs it
    is_held: bool = False  # on hold, by us


class Claims:
    """The list."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._list = look.places.owned / "packages.json"

    def all(self) -> dict[str, Claim]:
        """Return it; nothing where it cannot be read: better to leave packages than to remove a stranger's."""
        try:
            doc = json.loads(self._look.text(self._list) or "{}")
            return {str(name): from_json(Claim, row) for name, row in doc.items()}
        except (ValueError, AttributeError):
            return {}

    def add(self, write: Hands, step: str, was: Mapping[str, str], asked: frozenset[str]) -> None:
        """Put what is about to be installed on the list; what stood there first stays known."""
        had = self.all()
        for name, version in was.items():
            claim = had.get(name, Claim(version, step, is_asked=False))
            had[name] = replace(claim, by=step, is_asked=True) if name in asked else claim
        self._keep(write, had)

    def hold(self, write: Hands, step: str, held: Mapping[str, bool], was: Mapping[str, str]) -> None:
        """Say which holds are ours; what was there all along comes on the list for that alone."""
        had = self.all()
        for name, on in held.items():
            had[name] = replace(had.get(name, Claim(was.get(name, ""), step)), is_held=on)
        self._keep(write, had)

    def forget(self, write: Hands, gone: Iterable[str], stay: Iterable[str] = ()) -> None:
        """Take off what is gone; what `stay`s, since others need it, is nobody's wish any more."""
        had = self.all()
        for name in stay:
            had[name] = replace(had[name], is_asked=False)
        self._keep(write, {name: claim for name, claim in had.items() if name not in set(gone)})

    def _keep(self, write: Hands, claims: Mapping[str, Claim]) -> None:
        doc = {name: to_json(claim) for name, claim in sorted(claims.items())}
        write.write(self._list, canonical(doc).decode(), mode=0o600)
