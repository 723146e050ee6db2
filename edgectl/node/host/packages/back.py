"""What packages were before a work of apt that has begun, and the way back to it.

Owns: /var/lib/edgectl/apt/begun.json, written before apt begins and taken away when what came is whole, or gone again.
The files of older versions are those that kept slots declare, whose blobs are on the node.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.host.packages import source
from edgectl.node.host.packages.apt import Apt
from edgectl.node.host.packages.claims import Claims
from edgectl.node.host.packages.installed import System, look
from edgectl.node.host.packages.judged import ALL, Asked
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical
from edgectl.wire.host import Deb


@dataclass(frozen=True, slots=True)
class WentBack:
    """name -> version ("" for none): what is as before again, and what is not."""

    again: dict[str, str]
    stays: dict[str, str]
    evidence: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say it."""
        told = []
        if self.again:
            told.append(", ".join(f"{name} is {was or 'not there'}" for name, was in self.again.items()) + " again")
        if self.stays:
            shown = ", ".join(f"{name} ({was or 'not there'} before)" for name, was in self.stays.items())
            told.append(f"could not be put back: {shown}")
        return "; ".join(told) or "nothing was changed"


class Begun:
    """The note of a work that has begun."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._note = look.places.apt / "begun.json"

    def read(self) -> dict[str, str]:
        """Return name -> version before; nothing when no work has begun."""
        try:
            return {str(name): str(version) for name, version in self._doc()["before"].items()}
        except (ValueError, LookupError, AttributeError, TypeError):
            return {}

    def begin(self, write: Hands, asked: Asked, before: Mapping[str, str]) -> None:
        """Note it; where the same work was begun and cut, what was before that one is the older truth."""
        older = self.read() if self._of() == asked.digest else {}
        write.write(self._note, canonical({"of": asked.digest, "before": {**before, **older}}).decode())

    def end(self, write: Hands) -> None:
        """Forget it."""
        write.remove(self._note)

    def _of(self) -> str:
        try:
            return str(self._doc()["of"])
        except (ValueError, LookupError, TypeError):
            return ""

    def _doc(self) -> Any:
        return json.loads(self._look.text(self._note) or "{}")


def go_back(write: Hands, pool: tuple[Deb, ...], arch: str) -> WentBack:
    """Bring packages back to what they were before the work that has begun, as far as their files are here."""
    begun = Begun(write)
    noted, system = begun.read(), look(write)
    before = {name: was for name, was in noted.items() if not _is_back(system, name, was)}
    held = {(deb.name, deb.version): deb for deb in (*_kept(write.places), *pool) if deb.arch in {ALL, arch}}
    held = {key: deb for key, deb in held.items() if write.places.blob(deb.blob).is_file()}
    words = [f"{name}={was}" if was else f"{name}-" for name, was in before.items() if not was or (name, was) in held]
    evidence: tuple[str, ...] = ()
    if words:
        with suppress(ApplyFailed):  # what the end shows is what counts
            source.make(write, held.values())
            evidence = Apt(write).install(words).evidence()
    after = look(write)
    again = {name: was for name, was in before.items() if _is_back(after, name, was)}
    stays = {name: was for name, was in before.items() if name not in again}
    _disown(write, [name for name, was in noted.items() if not was and not after.version(name)])
    if not stays:
        begun.end(write)
    return WentBack(again, stays, evidence)


def _disown(write: Hands, gone: list[str]) -> None:
    """Give up the claims on what never came to stay: who installs it later, does so for himself."""
    claims = Claims(write)
    ours = {name: claim for name, claim in claims.all().items() if name in gone and not claim.was}
    if ours:  # of one on hold the claim stays, so that the hold goes; nobody wishes for the package any more
        claims.forget(write, *([name for name in ours if ours[name].is_held is held] for held in (False, True)))


def _is_back(system: System, name: str, was: str) -> bool:
    return system.is_whole(name, was) if was else not system.version(name)


def _kept(places: Places) -> list[Deb]:
    """Return all package files that slots name which this node keeps, the newest last."""
    found: list[Deb] = []
    for slot in sorted(Slots(places).kept, key=lambda slot: slot.envelope.sequence):
        with suppress(OSError, ValueError):
            _, node = load(places, slot)
            found += node.host.os.packages.pool if node.host.os else ()
    return found
