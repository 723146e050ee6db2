"""The note of how a run has left the store, read by this version of edgectl and by the one before it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.standing import LESS, WRONG, Noted, Standing, note, noted, worse
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.verdict import StepResult
from tests.unit.node.fake import FakeNode


def _step(name: str, status: str = "current", degraded: str = "") -> StepResult:
    return StepResult(name, name, status, "", degraded=degraded)


CAMERA = _step("chain", degraded="camera 7 is away")


@dataclass
class Kept:
    """The note of one slot."""

    node: FakeNode

    def __post_init__(self) -> None:
        """Accept what the note is of."""
        offer = Envelope("store-042", "node-1", digest_of(b"p"), digest_of(b""), "", 1, "t", Sender("ada", "laptop"))
        self.slot = Slots(self.node.places).accept(offer)

    def writes(self, *steps: StepResult) -> Noted:
        """Keep, and read again."""
        note(self.node.places, self.slot, self.slot, steps)
        return self.reads()

    def reads(self, **changed: object) -> Noted:
        """Read, as if it said something else: None takes a field away."""
        path = self.node.places.run / "settled.json"
        doc = {**json.loads(path.read_text()), **changed}
        path.write_text(json.dumps({key: value for key, value in doc.items() if value is not None}))
        return noted(self.node.places, self.slot, self.slot)

    @property
    def older(self) -> Standing:
        """Return what the version before reads of it: no more than this field."""
        return dict(json.loads((self.node.places.run / "settled.json").read_text())["wrong"])


@pytest.fixture
def kept(node: FakeNode) -> Kept:
    """Return the note of a slot."""
    return Kept(node)


def _turned_down(last: Noted, *seen: StepResult, then: Iterable[StepResult] = ()) -> list[str]:
    return [step.id for step in worse(tuple(then) or seen, last.still(seen))]


def test_what_was_degraded_is_excused_where_only_a_new_step_is_not_as_declared(kept: Kept) -> None:
    """Law: what the last run has not looked at shows nothing about the declaration. Seeded: it is judged, too."""
    kept.writes(CAMERA)
    new, done = _step("cluster-dns", "drifted"), _step("cluster-dns")
    assert _turned_down(kept.reads(), new, CAMERA, then=(done, CAMERA)) == []
    assert _turned_down(kept.reads(looked=None), new, CAMERA, then=(done, CAMERA)) == []
    assert _turned_down(kept.reads(looked=["chain", "cluster-dns"]), new, CAMERA, then=(done, CAMERA)) == ["chain"]
    assert _turned_down(kept.reads(looked=None), _step("app", "drifted"), CAMERA, then=(CAMERA,)) == ["chain"]


def test_a_new_step_that_fails_is_excused_by_nothing(kept: Kept) -> None:
    """It was not looked at before: what becomes of it is this candidate's."""
    kept.writes(CAMERA)
    seen = (_step("cluster-dns", "drifted"), CAMERA)
    assert _turned_down(kept.reads(), *seen, then=(_step("cluster-dns", "failed"), CAMERA)) == ["cluster-dns"]


@pytest.mark.parametrize(("now", "was"), [("stock-node-2", "node-images-node-2"), ("turn-node-2", "node-k3s-node-2")])
def test_what_is_called_otherwise_now_is_the_same(kept: Kept, now: str, was: str) -> None:
    """Law: a neighbour's known fault is excused over an update of edgectl, and over the way back.

    Seeded: ids compared as they are written.
    """
    assert kept.writes(_step(now, "failed")).wrong == {now: WRONG}
    assert kept.older == {now: WRONG, was: WRONG}
    last = kept.reads(looked=None, wrong={was: WRONG})
    assert _turned_down(last, _step(now, "in-progress")) == []


def test_an_old_name_stands_for_nothing_in_a_note_of_this_version(kept: Kept) -> None:
    """Node `images-1` is another than the images of node `1`."""
    last = kept.writes(_step("stock-1", "failed"), _step("node-images-1"))
    assert last.wrong == {"stock-1": WRONG}
    assert _turned_down(last, _step("stock-1", "failed"), _step("node-images-1", "failed")) == ["node-images-1"]


def test_a_note_that_cannot_be_read_excuses_nothing(kept: Kept) -> None:
    """Harmed, or of other slots."""
    assert kept.writes(CAMERA).wrong == {"chain": LESS}
    harms: tuple[dict[str, object], ...] = ({"looked": 7}, {"wrong": []}, {"slots": ["9", "9"]})
    for harm in harms:
        kept.writes(CAMERA)
        assert kept.reads(**harm) == Noted({})
