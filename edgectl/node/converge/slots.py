"""Slots: what this node has accepted, what runs, what ran before.

Owns: /var/lib/edgectl/slots: one folder per accepted sequence with its envelope, and the links candidate, current,
previous, switched atomically. A slot whose base runs with the apps of another one names that one by its link `apps`.
Must not know how anything is applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgectl.node.io.files import link_atomic, sync_dir, write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.envelope import Envelope

KEEP = 20
TRIES = "tries"
APPS = "apps"
EVIDENCE = ("offer.json", "offer.json.sig")  # of a slot that came signed
MOST_TRIES = 3  # runs of a candidate that end without a verdict; edgectl-node.sh knows this number, too


@dataclass(frozen=True)
class Slot:
    """One accepted envelope and where it lies."""

    envelope: Envelope
    folder: Path

    @property
    def rejected(self) -> dict[str, Any] | None:
        """Why and when this slot was rejected; None when it was not."""
        return _read_json(self.folder / "rejected.json")

    @property
    def promoted(self) -> dict[str, Any] | None:
        """When this slot became what runs, and how it stood; None when it never did."""
        return _read_json(self.folder / "promoted.json")

    @property
    def tries(self) -> int:
        """How many runs of this candidate have begun (the `edgectl-node` command counts, before any of our code)."""
        try:
            return int((self.folder / TRIES).read_text())
        except (OSError, ValueError):
            return 0


class Slots:
    """All slots of one node."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._folder = places.slots

    @property
    def candidate(self) -> Slot | None:
        """Accepted, neither promoted nor rejected."""
        found = self._link("candidate")
        current = self._link("current")
        if found and current and found.folder == current.folder:
            return None  # killed between the two halves of a promotion: it is promoted
        return found

    @property
    def current(self) -> Slot | None:
        """What the store runs, or should."""
        return self._link("current")

    @property
    def previous(self) -> Slot | None:
        """What ran before current."""
        return self._link("previous")

    def apps_of(self, slot: Slot) -> Slot:
        """Return the slot whose apps run on this slot's base: itself, unless its own were rejected."""
        return self._load((slot.folder / APPS).resolve()) or slot if (slot.folder / APPS).is_symlink() else slot

    @property
    def kept(self) -> list[Slot]:
        """All that may be gone back to or gone on with: what runs, what ran before, the candidate, and their apps."""
        linked = [slot for slot in (self.candidate, self.current, self.previous) if slot]
        found = [*linked, *(self.apps_of(slot) for slot in linked)]
        return list({slot.folder: slot for slot in found}.values())

    @property
    def sequence(self) -> int:
        """The newest sequence ever accepted; 0 on a bare node."""
        return max((slot.envelope.sequence for slot in self.all()), default=0)

    def all(self) -> list[Slot]:
        """Every kept slot, newest first. A folder without a whole envelope was never accepted and does not count."""
        found = [slot for path in self._folder.glob("[0-9]*") if (slot := self._load(path))]
        return sorted(found, key=lambda slot: slot.envelope.sequence, reverse=True)

    def accept(self, envelope: Envelope, evidence: Mapping[str, bytes] = MappingProxyType({})) -> Slot:
        """Store an envelope as the candidate, and files beside it. The link is the moment of acceptance."""
        folder = self._folder / str(envelope.sequence)
        folder.mkdir(parents=True, exist_ok=True)
        for name in EVIDENCE:  # an earlier try under this number may have left some
            if (folder / name).exists():
                (folder / name).unlink()
        for name, data in evidence.items():
            write_atomic(folder / name, data)
        link_atomic(folder / "runtime", str(self._places.runtime(envelope.runtime)))
        write_atomic(folder / "envelope.json", canonical(to_json(envelope)), mode=0o644)
        sync_dir(self._folder)
        link_atomic(self._folder / "candidate", folder.name)
        return Slot(envelope, folder)

    def promote(self, slot: Slot, *, apps: Slot | None = None, **note: Any) -> None:
        """Make the candidate what runs; with `apps`, its base only, under the apps of that slot.

        One rename decides. Killed anywhere in here, the store is before or after it, and the next run goes on.
        """
        if apps is None or apps.folder == slot.folder:
            self._unlink(slot.folder / APPS)
        else:
            link_atomic(slot.folder / APPS, f"../{apps.folder.name}")
        with suppress(OSError):  # what people read; a full disk must not undo a good update
            write_atomic(slot.folder / "promoted.json", canonical(note))
        current = self.current
        if current and current.folder != slot.folder:
            link_atomic(self._folder / "previous", current.folder.name)
        candidate = self._link("candidate")
        link_atomic(self._folder / "current", slot.folder.name)
        if candidate is None or candidate.folder == slot.folder:
            self._unlink(self._folder / "candidate")
        named = {kept.folder.name for kept in self.kept}
        for old in self.all()[KEEP:]:
            if old.folder.name not in named:
                for file in old.folder.iterdir():
                    file.unlink()
                old.folder.rmdir()

    def put_back(self, slot: Slot, previous: Slot | None) -> None:
        """Make a slot current again whose base was replaced in vain, with what was previous then."""
        link_atomic(self._folder / "current", slot.folder.name)
        if previous is not None:
            link_atomic(self._folder / "previous", previous.folder.name)
        else:
            self._unlink(self._folder / "previous")

    def reject(self, slot: Slot, *, reason: str, time: str, run: str) -> None:
        """Mark the candidate as bad; it is tried again only by a person's deploy."""
        doc = {"reason": reason, "time": time, "run": run}
        with suppress(OSError):  # a disk that this candidate has filled must not keep the store from going back
            write_atomic(slot.folder / "rejected.json", canonical(doc))
        candidate = self._link("candidate")
        if candidate is None or candidate.folder == slot.folder:
            self._unlink(self._folder / "candidate")

    def try_again(self, slot: Slot) -> None:
        """Take back that a slot was rejected: it is about to be accepted anew."""
        (slot.folder / "rejected.json").unlink(missing_ok=True)
        sync_dir(slot.folder)
        self.forget_tries(slot)

    def forget_tries(self, slot: Slot) -> None:
        """Begin to count anew: a person asks for this candidate again, or a run of it was asked to stop."""
        with suppress(OSError):
            (slot.folder / TRIES).unlink(missing_ok=True)

    def untried(self) -> None:
        """Count one run of the candidate less: the one that has just begun ends before it has touched anything."""
        if (slot := self.candidate) and slot.tries:
            with suppress(OSError):
                (slot.folder / TRIES).write_text(f"{slot.tries - 1}")

    def _link(self, name: str) -> Slot | None:
        link = self._folder / name
        return self._load(link.resolve()) if link.is_symlink() else None

    def _load(self, folder: Path) -> Slot | None:
        doc = _read_json(folder / "envelope.json")
        if doc is None:
            return None
        try:
            return Slot(from_json(Envelope, doc), folder)
        except ValueError:
            return None

    @staticmethod
    def _unlink(path: Path) -> None:
        path.unlink(missing_ok=True)
        sync_dir(path.parent)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        doc = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return doc if isinstance(doc, dict) else None
