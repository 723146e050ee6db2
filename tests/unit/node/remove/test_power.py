"""A removal, cut at every change of a file: it is known as one from the first thing that goes until nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import engine
from edgectl.node.converge.slots import Slots
from edgectl.node.host.owned import Owned
from edgectl.node.io import programs
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.remove import asked
from edgectl.node.remove.note import read
from edgectl.node.rest import rest
from edgectl.node.units.install import CONVERGE, installed
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from tests.stick import payload
from tests.unit.node.faults import Disk, Killed

_MOTD = "/etc/motd"


def test_wherever_the_power_goes_it_is_known_and_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: whole and not begun, or known as begun, whose heals do nothing, or gone. The same again takes the rest.

    That a self-heal was ended is no change: the next one does the same. Seeded: the note behind the timers; the note
    away before the state is.
    """
    changes: list[Sequence[str]] = []

    def ran(argv: Sequence[str], **_: Any) -> programs.Ran:
        stays = argv[:2] == ("systemctl", "show") or argv == ("systemctl", "stop", CONVERGE)
        changes.extend([] if stays else [argv])
        return programs.Ran(tuple(argv), 0, "LoadState=loaded\nActiveState=inactive", "", 0.0)

    monkeypatch.setattr(programs, "run", ran)
    monkeypatch.setattr(engine, "print", lambda *_, **__: None, raising=False)
    number = 0
    while True:
        places = _store(tmp_path / str(number))
        whole, disk = _files(places), Disk(number, kill=True)
        changes.clear()
        try:
            with disk.armed():
                _remove(places)
        except Killed:
            pass
        if not disk.reached:
            break
        shutil.rmtree(places.run, ignore_errors=True)  # tmpfs, and the locks of who is dead
        places.run.mkdir(parents=True)
        after, begun = _files(places), rest(places)
        untouched = whole <= after and not changes
        assert untouched or (begun and begun.removes) or not after, disk.hit
        if begun:
            assert engine.run(places) == 0
            assert _files(places) == after, disk.hit
        _remove(places)
        assert _files(places) == set(), disk.hit
        number += 1
    assert number > 30


def _store(folder: Path) -> Places:
    """Return a node that runs something: units, a file that we manage, state."""
    places, wanted = Places(folder), payload("a store")
    offer = Envelope(wanted.store, "node-1", wanted.digest, digest_of(b"engine"), "", 1, "", Sender("ada", "laptop"))
    hands, motd = Hands(places), folder / _MOTD.lstrip("/")
    Owned(hands, "host-files").claim(hands, [_MOTD])
    for file in (places.blob(wanted.digest), motd, *installed(folder)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(wanted.encode())
    places.run.mkdir(parents=True)
    slots = Slots(places)
    slots.promote(slots.accept(offer))
    return places


def _remove(places: Places) -> None:
    note = read(places)
    if note is not None:
        asked.remove(places, note, lambda _: None)


def _files(places: Places) -> set[str]:
    """Return what lies there, but what a lock or a program leaves on tmpfs."""
    found = (path for path in places.root.rglob("*") if not path.is_dir() or path.is_symlink())
    return {str(path) for path in found if not path.is_relative_to(places.run)}
