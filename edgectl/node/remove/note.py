"""What is to be taken off this machine, written down before anything goes: whoever goes on after a kill reads it.

Owns: /var/lib/edgectl/removing.json. Must not know how anything is taken away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from edgectl.node.converge.slots import Slots
from edgectl.node.io.files import write_atomic
from edgectl.node.io.places import Places
from edgectl.node.units.install import TIMERS, links
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import decode


@dataclass(frozen=True, slots=True)
class Note:
    """Whose machine this was, and what its payloads have put there that no list of the node's names."""

    store: str
    node: str
    programs: dict[str, str]  # path -> digest of the bytes that we have put there
    folders: tuple[str, ...]  # of pods
    since: str = ""  # "" from an engine whose cut removal could be deployed over
    sequence: int = -1  # the newest that was accepted when this was written; -1 where it is not known


def read(places: Places) -> Note | None:
    """Return what was begun, or what would be: None where nothing of edgectl was ever accepted."""
    return begun(places) or _from_slots(places)


def begun(places: Places) -> Note | None:
    """Return what was begun: nothing heals, watches or deploys here any more until it has ended."""
    try:
        note = from_json(Note, json.loads(places.removing.read_bytes()))
    except (OSError, ValueError):
        return None
    return None if _void(places, note) else note


def _void(places: Places, note: Note) -> bool:
    """Tell whether the store was deployed over it, as engines do that do not know it. No clock is asked."""
    slots = Slots(places)
    if note.since:
        return 0 <= note.sequence < slots.sequence
    heals = any(link.name in TIMERS and link.is_symlink() for link in links(places.root))  # the first that goes
    return heals and (slots.current or slots.candidate) is not None


def keep(places: Places, note: Note) -> None:
    """Write it down, durably."""
    write_atomic(places.removing, canonical(to_json(note)), mode=0o600)


def _from_slots(places: Places) -> Note | None:
    found = Slots(places).all()
    if not found:
        return None
    programs: dict[str, str] = {}
    folders: set[str] = set()
    for slot in reversed(found):  # the newest last: it says what lies there now
        try:
            payload = decode(places.blob(slot.envelope.payload).read_bytes())
            node = payload.node(slot.envelope.node)
        except (OSError, ValueError, KeyError):
            continue
        programs["/usr/local/bin/k3s"] = node.k3s.binary
        if node.helm is not None:
            programs["/usr/local/bin/helm"] = node.helm.binary
        folders |= {folder.path for folder in node.host.folders}
    newest = found[0].envelope
    return Note(newest.store, newest.node, programs, tuple(sorted(folders)))
