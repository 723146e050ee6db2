"""Slots after any failure and any kill: what is read back is the state before or the state after."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.converge import slots as module
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.wire.envelope import Envelope, Sender
from tests.unit.node.faults import Disk, Killed, sweep

Seen = tuple[int | None, int | None, int | None]  # candidate, current, previous


def envelope(sequence: int) -> Envelope:
    """Return the offer with this sequence."""
    digest = f"sha256:{sequence:064x}"
    return Envelope(
        "store-042", "node-1", digest, digest, "", sequence, "2026-01-01T00:00:00Z", Sender("ada", "laptop")
    )


def seen(places: Places) -> Seen:
    """Read the slots as the next program would."""
    slots = Slots(places)
    found = (slots.candidate, slots.current, slots.previous)
    candidate, current, previous = (slot.envelope.sequence if slot else None for slot in found)
    return candidate, current, previous


def rolled_out(places: Places, *sequences: int) -> Slots:
    """Accept and promote these, one after the other."""
    slots = Slots(places)
    for sequence in sequences:
        slots.promote(slots.accept(envelope(sequence)))
    return slots


def accept(slots: Slots) -> None:
    """Take sequence 3."""
    slots.accept(envelope(3))


def promote(slots: Slots) -> None:
    """Make the candidate current."""
    candidate = slots.candidate
    if candidate is not None:
        slots.promote(candidate)


def reject(slots: Slots) -> None:
    """Turn the candidate down."""
    candidate = slots.candidate
    if candidate is not None:
        slots.reject(candidate, reason="it crash-loops", time="2026-01-01T00:00:00Z", run="abcd")


def promote_base(slots: Slots) -> None:
    """Make the candidate's base current, under the apps of sequence 2."""
    candidate, current = slots.candidate, slots.current
    if candidate is not None and current is not None:
        slots.promote(candidate, apps=slots.apps_of(current))


BEFORE: Seen = (3, 2, 1)


@pytest.mark.parametrize(
    ("act", "before", "allowed", "after"),
    [
        (accept, (None, 2, 1), {(None, 2, 1), (3, 2, 1)}, (3, 2, 1)),
        (promote, BEFORE, {(3, 2, 1), (3, 2, 2), (None, 3, 2)}, (None, 3, 2)),
        (promote_base, BEFORE, {(3, 2, 1), (3, 2, 2), (None, 3, 2)}, (None, 3, 2)),
        (reject, BEFORE, {(3, 2, 1), (None, 2, 1)}, (None, 2, 1)),
    ],
)
def test_killed_anywhere_it_is_before_or_after(
    tmp_path: Path, act: Callable[[Slots], None], before: Seen, allowed: set[Seen], after: Seen
) -> None:
    """Fail or kill the N-th operation until none is left: never half, and the same act again ends the same.

    Between the two halves of a promotion `previous` is already what still runs: harmless, since nothing is lost.
    """

    def attempt(disk: Disk, number: int) -> bool:
        places = Places(tmp_path / f"{number}-{disk._kill}")
        slots = rolled_out(places, 1, 2)
        if before[0]:
            accept(slots)
        assert seen(places) == before
        with disk.armed(), suppress(OSError, Killed):
            act(Slots(places))
        assert seen(places) in allowed
        if disk.reached:
            act(Slots(places))
        assert seen(places) == after
        assert Slots(places).sequence == 3
        return disk.reached

    assert sweep(attempt) > 4


def test_the_sweep_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded fault: links that are removed before they are made anew lose what runs."""

    def careless(path: Path, target: str) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    lost = 0

    def attempt(disk: Disk, number: int) -> bool:
        nonlocal lost
        places = Places(tmp_path / f"{number}-{disk._kill}")
        accept(rolled_out(places, 1, 2))
        with monkeypatch.context() as patch, disk.armed(), suppress(OSError, Killed):
            patch.setattr(module, "link_atomic", careless)
            promote(Slots(places))
        lost += seen(places)[1] is None
        return disk.reached

    sweep(attempt)
    assert lost


def test_a_base_runs_under_the_apps_that_worked(tmp_path: Path) -> None:
    """Through any number of bases with bad apps; the next whole promotion ends it."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    for sequence in (2, 3):
        current = slots.current
        assert current is not None
        slots.promote(slots.accept(envelope(sequence)), apps=slots.apps_of(current))
        assert apps(places) == 1
    slots.promote(slots.accept(envelope(4)))
    assert apps(places) == 4


def test_a_half_promotion_leaves_no_apps_behind(tmp_path: Path) -> None:
    """A base promotion that was cut off before it decided does not change what a whole promotion means."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    two = slots.accept(envelope(2))
    (two.folder / "apps").symlink_to("../1")
    assert apps(places) == 1
    slots.promote(two)
    assert apps(places) == 2


def apps(places: Places) -> int:
    """Return the sequence whose apps run."""
    slots = Slots(places)
    assert slots.current is not None
    return slots.apps_of(slots.current).envelope.sequence


def test_slots_whose_apps_run_are_kept(tmp_path: Path) -> None:
    """Also when many bases came after them."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    for sequence in range(2, 40):
        current = slots.current
        assert current is not None
        slots.promote(slots.accept(envelope(sequence)), apps=slots.apps_of(current))
    assert (apps(places), [slot.envelope.sequence for slot in slots.all()][-1]) == (1, 1)


def test_another_candidate_is_not_dropped_with_a_promotion(tmp_path: Path) -> None:
    """One that was accepted in the meantime stays."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    two = slots.accept(envelope(2))
    slots.accept(envelope(3))
    slots.promote(two)
    assert seen(places) == (3, 2, 1)
    slots.reject(two, reason="late", time="t", run="r")
    assert seen(places) == (3, 2, 1)


def test_a_bare_node_has_nothing(tmp_path: Path) -> None:
    """No folder, no slots, sequence 0."""
    places = Places(tmp_path)
    assert seen(places) == (None, None, None)
    assert Slots(places).sequence == 0
    assert Slots(places).all() == []


def test_what_was_rejected_is_remembered_with_its_reason(tmp_path: Path) -> None:
    """A self-heal does not bring it back, and its sequence is used up."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    slots.reject(slots.accept(envelope(2)), reason="it crash-loops", time="t", run="abcd")
    assert seen(places) == (None, 1, None)
    newest = slots.all()[0]
    assert newest.envelope.sequence == 2
    assert newest.rejected == {"reason": "it crash-loops", "time": "t", "run": "abcd"}
    assert slots.sequence == 2


def test_a_person_may_try_a_rejected_one_again(tmp_path: Path) -> None:
    """The same payload in a new envelope is a candidate like any other."""
    places = Places(tmp_path)
    slots = rolled_out(places, 1)
    slots.reject(slots.accept(envelope(2)), reason="r", time="t", run="abcd")
    slots.accept(envelope(3))
    candidate = Slots(places).candidate
    assert candidate is not None
    assert (candidate.envelope.sequence, candidate.rejected) == (3, None)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"store":1}'])
def test_an_envelope_that_cannot_be_read_was_never_accepted(tmp_path: Path, text: bytes) -> None:
    """A torn or foreign folder does not count, and stops nothing."""
    places = Places(tmp_path)
    rolled_out(places, 1)
    (places.slots / "2").mkdir()
    (places.slots / "2" / "envelope.json").write_bytes(text)
    (places.slots / "candidate").symlink_to("2")
    assert seen(places) == (None, 1, None)
    assert Slots(places).sequence == 1


def test_old_slots_go_and_named_ones_stay(tmp_path: Path) -> None:
    """A store of many years keeps a bounded history, and always what runs and what ran before."""
    places = Places(tmp_path)
    slots = rolled_out(places, *range(1, 40))
    assert [slot.envelope.sequence for slot in slots.all()] == list(range(39, 39 - module.KEEP, -1))
    assert seen(places) == (None, 39, 38)


def test_a_runtime_is_named_by_its_slot(tmp_path: Path) -> None:
    """The node's own command finds its engine through this link."""
    places = Places(tmp_path)
    slot = Slots(places).accept(envelope(1))
    assert (places.slots / "candidate" / "runtime").readlink() == places.runtime(slot.envelope.runtime)


def test_a_slot_with_a_runtime_is_written_before_it_counts(tmp_path: Path) -> None:
    """The candidate's link comes last: what it names is whole and synced."""
    places = Places(tmp_path)
    disk = Disk(10_000, kill=False)
    with disk.armed():
        Slots(places).accept(envelope(1))
    named = [subject for name, subject in disk.done if name in {"replace", "rename"}]
    assert named[-1].endswith("/.candidate.edgectl-new")
    assert any(subject.endswith("/.envelope.json.edgectl-new") for subject in named[:-1])


def test_what_a_stick_has_left_under_a_number_is_no_proof_of_what_a_deploy_brings(tmp_path: Path) -> None:
    """A load that was killed before it had its envelope was never accepted; the next deploy has its number."""
    slots = Slots(Places(tmp_path))
    half = Places(tmp_path).slots / "3"
    half.mkdir(parents=True)
    (half / "offer.json").write_bytes(b"{}")
    assert slots.sequence == 0
    assert [path.name for path in slots.accept(envelope(3)).folder.glob("offer*")] == []
    signed = slots.accept(envelope(3), {"offer.json": b"1", "offer.json.sig": b"2"}).folder
    assert sorted(path.read_bytes() for path in signed.glob("offer*")) == [b"1", b"2"]
