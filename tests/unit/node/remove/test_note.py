"""When a mark of a removal counts, and when it is written: what lets a store rest for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.io import programs
from edgectl.node.io.files import sync_dir
from edgectl.node.io.places import Places
from edgectl.node.remove import asked, cluster
from edgectl.node.remove.note import Note, begun, keep, read
from edgectl.node.rest import not_at_rest, rest
from edgectl.node.units.install import CONVERGE, links
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Locked

OLD = Note("store-042", "node-1", {}, ("/srv/gone",))  # as an engine wrote it that could be deployed over it
SINCE = "2026-11-28T09:40:12Z"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node that runs its ninth sequence, and heals itself."""
    found = Places(tmp_path)
    found.run.mkdir(parents=True)
    for link in links(tmp_path):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/etc/systemd/system/x")
    _deployed(found, 9)
    return found


@pytest.fixture
def ran(places: Places, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return what is run on the node, one after the other; `systemctl disable` does what it does."""
    seen: list[Sequence[str]] = []

    def run(argv: Sequence[str], **_: Any) -> programs.Ran:
        if argv[1] != "show":
            seen.append(argv)
        if argv[1] == "disable":
            _off(places)
        return programs.Ran(tuple(argv), 0, "LoadState=loaded\nActiveState=inactive", "", 0.0)

    monkeypatch.setattr(programs, "run", run)
    monkeypatch.setattr(asked, "_END_SECONDS", 0)
    return seen


def _deployed(places: Places, sequence: int) -> None:
    digest = digest_of(b"x")
    slots, offer = Slots(places), Envelope("store-042", "node-1", digest, digest, "", sequence, "", Sender("a", "b"))
    slots.promote(slots.accept(offer))


def _off(places: Places) -> None:
    for link in links(places.root):
        link.unlink()


def test_a_mark_that_was_deployed_over_is_void(places: Places) -> None:
    """Law: a store that sells is not "being removed". An old mark: its timers are on, so it was deployed since.

    Nothing of such a mark is gone on with by the next removal. Seeded: the mark alone believed, as it was.
    """
    keep(places, OLD)
    assert rest(places) is None
    not_at_rest(places, "store-042")
    again = read(places)
    assert again is not None
    assert again.folders == ()


def test_an_old_mark_whose_timers_are_off_counts(places: Places) -> None:
    """So does one of a machine on which nothing is accepted any more."""
    keep(places, OLD)
    _off(places)
    assert begun(places) == OLD
    _deployed(places, 10)
    assert begun(places) == OLD, "accepted is not enough: an engine installs its timers first"
    bare = Places(places.root / "bare")
    keep(bare, OLD)
    assert begun(bare) == OLD


def test_a_mark_of_today_counts_until_something_newer_was_accepted(places: Places) -> None:
    """Whatever the timers and the clock say: cut before they were off it counts, and only an older engine ends it.

    Seeded: a mark's time compared with a slot's, on a node whose clock was ahead; timers asked of a mark of today.
    """
    note = Note("store-042", "node-1", {}, (), SINCE, 9)
    keep(places, note)
    assert begun(places) == note
    _deployed(places, 10)
    assert begun(places) is None


def test_a_removal_that_must_wait_leaves_no_mark(places: Places, ran: list[Sequence[str]]) -> None:
    """Law: exit 7 and the store is as it was, its timers too, however often it is tried.

    Seeded: the mark, or the timers, before the lock.
    """
    note = read(places)
    assert note is not None
    with Lock(places.run, {"kind": "heal", "run": "beef"}) as other:
        assert other.acquire()
        with pytest.raises(Locked, match="a run holds this node"):
            asked.remove(places, note, lambda _: None)
    assert (places.removing.exists(), rest(places)) == (False, None)
    assert all(link.is_symlink() for link in links(places.root))
    assert set(ran) == {("systemctl", "stop", CONVERGE)}


def test_timers_are_off_on_the_disk_before_anything_goes(
    places: Places, ran: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: after a power cut no timer starts the engine of what runs, which may not know the mark.

    Seeded: no sync; a sync before the timers are off.
    """
    done: list[str] = []

    def synced(folder: Path) -> None:
        sync_dir(folder)
        done.append(folder.name if not any(link.is_symlink() for link in links(places.root)) else "early")

    def take_off(*_: object) -> None:
        done.append("k3s goes")
        raise OSError(5, "the power goes")

    monkeypatch.setattr(asked, "sync_dir", synced)
    monkeypatch.setattr(cluster, "take_off", take_off)
    note = read(places)
    assert note is not None
    with pytest.raises(OSError, match="the power goes"):
        asked.remove(places, note, lambda _: None)
    assert done == ["system", "multi-user.target.wants", "timers.target.wants", "k3s goes"]
    assert ran[0] == ("systemctl", "stop", CONVERGE)
    found = begun(places)
    assert found is not None
    assert found.sequence == 9
