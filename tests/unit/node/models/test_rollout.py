"""A version beside the one that runs: what a deploy begins, what a heal leaves, how it ends, whoever is killed when."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.models import byhand, expected, held, rollout, turn
from edgectl.node.models.collect import collect, decide
from edgectl.node.models.declares import Declares
from edgectl.node.models.expected import Expected
from edgectl.node.models.outcome import Outcome, bring_about, judged, mended
from edgectl.node.models.registry import CANDIDATE, CURRENT, PREVIOUS, Registry
from edgectl.node.models.rollout import Begun
from edgectl.node.models.step import Registered
from edgectl.wire.errors import NotReady
from edgectl.wire.payload import Model, Models
from edgectl.wire.rollout import BY_HAND, CANARY, SHADOW, Order, Progress, Rollout, Thresholds
from tests.unit.node import faults
from tests.unit.node.fake import FakeNode
from tests.unit.node.faults import Disk, Killed
from tests.unit.node.models.test_registry import every_version_is_whole, model, payload, reads, settle, sizes

SLOW = Rollout(CANARY)
SAYS = "detector 1.4 is canary beside 1.3 (5 %)"


def step(*current: Model, asked: Rollout | None = SLOW, tried: bool = True, **more: object) -> Registered:
    """Return the step of a payload that declares these, and how their versions come to run."""
    rollouts = {"detector": asked} if asked else {}
    return Registered(Models(current, rollouts=rollouts, **more), sizes(*current), tried)  # type: ignore[arg-type]


def links(node: FakeNode) -> tuple[str, ...]:
    """Return the versions of current, previous and candidate."""
    found = Registry(node.places)
    return tuple(found.linked("detector", link).rpartition("-")[0] for link in (CURRENT, PREVIOUS, CANDIDATE))


def begun(node: FakeNode) -> Begun | None:
    return rollout.read(Registry(node.places), "detector")


def order(node: FakeNode) -> Path:
    return node.places.models / "detector" / "rollout.json"


def declares(node: FakeNode, *current: Model, asked: Rollout | None = SLOW) -> Declares:
    return Declares(node.places, "node-1", Models(current, rollouts={"detector": asked} if asked else {}))


def ran(node: FakeNode, *versions: str) -> list[Model]:
    """Deploy one version after the other, each at once."""
    models = [model(node, version) for version in versions]
    for number, one in enumerate(models):
        settle(node, step(one, asked=None))
        decide(node.places, payload(one), number)
    return models


def beside(node: FakeNode, asked: Rollout = SLOW) -> tuple[Model, Model, Begun]:
    """Let 1.4 stand beside 1.3, with 1.2 before."""
    _, old = ran(node, "1.2", "1.3")
    new = model(node, "1.4")
    settle(node, step(new, asked=asked))
    found = begun(node)
    assert found is not None
    return old, new, found


def test_a_deploy_lets_the_new_version_stand_beside(node: FakeNode) -> None:
    """Law: `current` stays, the candidate is here, the order is written, and the same again changes nothing.

    Seeded fault: the plain switch.
    """
    _, new, found = beside(node)
    assert links(node) == ("1.3", "1.2", "1.4")
    assert (found.order.candidate, found.order.version, found.declared) == (new.folder, "1.4", new.folder)
    for tried in (True, False):
        seen = step(new, tried=tried).probe(node)
        assert (seen.status, seen.reason, seen.degraded) == (Status.CURRENT, SAYS, "")
    assert begun(node) == found
    assert reads(node) == "1.3"


def test_the_first_version_and_the_one_before_run_at_once(node: FakeNode) -> None:
    """Law: there is nothing to stand beside; and a store that goes back does not go slowly."""
    first, second = model(node, "1.3"), model(node, "1.4")
    assert settle(node, step(first)).reason == "detector 1.3"
    assert (links(node), begun(node)) == (("1.3", "", ""), None)
    settle(node, step(second, asked=None))
    settle(node, step(first))
    assert (links(node)[0], begun(node)) == ("1.3", None)


@pytest.mark.parametrize("how", ["another", "settings", "recreate", "back", "retired"])
def test_another_declaration_ends_it(how: str, node: FakeNode) -> None:
    """Law: a rollout is of what is declared, as it is declared; its id is another each time."""
    old, new, found = beside(node)
    if how == "another":
        settle(node, step(model(node, "1.5")))
        assert links(node) == ("1.3", "1.2", "1.5")
    elif how == "settings":
        settle(node, step(new, asked=replace(SLOW, min_frames=9)))
        assert links(node) == ("1.3", "1.2", "1.4")
    elif how == "recreate":
        settle(node, step(new, asked=None))
        assert links(node) == ("1.4", "1.3", "")
    elif how == "back":
        settle(node, step(old, tried=False))
        assert links(node) == ("1.3", "1.2", "")
    else:
        settle(node, Registered(Models(()), {}, tried=True))
        assert links(node)[0] == ""
    now = begun(node)
    assert (now is None) == (how in {"recreate", "back", "retired"})
    assert now is None or now.order.id != found.order.id
    assert order(node).exists() == (now is not None)


def test_a_deploy_that_fails_gives_the_rollout_that_ran_back(node: FakeNode) -> None:
    """Law: what was beside before is beside again, from its beginning: what was never judged does not run."""
    _, new, found = beside(node)
    settle(node, step(model(node, "1.5")))
    settle(node, step(new, tried=False))
    now = begun(node)
    assert links(node) == ("1.3", "1.2", "1.4")
    assert now is not None
    assert now.order.id != found.order.id


def test_a_deploy_that_fails_at_once_gives_what_had_passed_back_at_once(node: FakeNode) -> None:
    """Law: what ran is gone back to, not judged anew."""
    _, new, found = beside(node)
    bring_about(declares(node, new), "detector", found, Outcome(passed=True))
    settle(node, step(model(node, "1.5"), asked=None))
    assert links(node) == ("1.5", "1.4", "")
    settle(node, step(new, tried=False))
    assert (links(node)[:2], begun(node)) == (("1.4", "1.3"), None)


def test_one_that_passes_runs_and_one_that_fails_is_held_back(node: FakeNode) -> None:
    """Law: neither a heal nor the same deploy brings back what was turned down; another version ends that."""
    _, new, found = beside(node)
    said = bring_about(declares(node, new), "detector", found, Outcome(passed=False, why="agreement 0.62"))
    assert said == "detector stays at 1.3: the canary of 1.4 has failed: agreement 0.62"
    for tried in (False, True):
        seen = settle(node, step(new, tried=tried))
        assert seen.reason.startswith("detector held at 1.3 by itself since ")
        assert seen.reason.endswith(": agreement 0.62")
        assert (links(node), begun(node), order(node).exists()) == (("1.3", "1.2", ""), None, False)
    other = model(node, "1.5")
    settle(node, step(other))
    decide(node.places, payload(other), 9)
    assert held.read(Registry(node.places), "detector") is None
    again = begun(node)
    assert again is not None
    said = bring_about(declares(node, other), "detector", again, Outcome(passed=True))
    assert said == "detector 1.5 runs now, 1.3 before: its canary has passed"
    assert settle(node, step(other, tried=False)).reason == "detector 1.5"
    assert links(node) == ("1.5", "1.3", "")


def test_what_has_come_ahead_meanwhile_is_the_candidate_again(node: FakeNode) -> None:
    """Law: while one stands beside, what comes ahead waits; nothing of it is lost, and no heal is needed afterwards."""
    _, new, found = beside(node)
    coming = model(node, "1.5")
    expected.write(Registry(node.places), Expected(coming, sizes(coming), 1))
    settle(node, step(new, tried=False))
    assert links(node) == ("1.3", "1.2", "1.4")
    bring_about(declares(node, new), "detector", found, Outcome(passed=True))
    assert links(node) == ("1.4", "1.3", "1.5")
    assert step(new, tried=False).probe(node).status is Status.CURRENT


def test_collection_never_takes_what_stands_beside(node: FakeNode) -> None:
    """Law: not even where its link was lost to a kill, and there is no budget."""
    old, _, _ = beside(node)
    Registry(node.places).point("detector", CANDIDATE, "")
    collect(node.places, (payload(old),), payload(old))
    assert "1.4" in [folder.rpartition("-")[0] for folder in Registry(node.places).folders("detector")]


ORDER = Order("a1", CANARY, "1.4-x", "1.4", (5, 25), 60.0, Thresholds(), 50, 1000.0)
RUNS = Begun(ORDER, "1.4-x", SLOW)
BAD = Progress("a1", "failed", reason="agreement 0.62, at least 0.9 needed")
GOOD, GOES = Progress("a1", "passed", frames=90), Progress("a1", "running", frames=12)


@pytest.mark.parametrize(
    ("heard", "watched", "outcome"),
    [
        ([GOES], 60.0, None),
        ([], 60.0, None),
        ([GOOD], 60.0, Outcome(passed=True)),
        ([GOOD, GOES], 60.0, None),
        ([GOOD, BAD], 60.0, Outcome(passed=False, why="agreement 0.62, at least 0.9 needed")),
        ([replace(GOOD, id="old")], 60.0, None),
        ([replace(BAD, id="old")], 60.0, None),
        ([GOES], 86401.0, Outcome(passed=False, why="not judged within 24 h: 12 frames, 50 needed")),
        ([], 86401.0, Outcome(passed=False, why="not judged within 24 h: the inference service was not heard")),
        ([GOES], 86400.0, None),
        ([GOES], 0.0, None),
    ],
)
def test_how_it_ends(heard: list[Progress], watched: float, outcome: Outcome | None) -> None:
    """Law: silence decides nothing, nor another rollout's word, nor some of the pods'; it is given up in time."""
    assert judged(RUNS, heard, watched=watched) == outcome


def test_what_waits_for_a_person_is_never_given_up() -> None:
    """Law: it has been judged, and well."""
    waits = replace(RUNS, asked=replace(SLOW, promote=BY_HAND))
    assert judged(waits, [GOOD], watched=1e9) is None
    assert judged(waits, [BAD], watched=60.0) == Outcome(passed=False, why=BAD.reason)


def _begins(node: FakeNode) -> Callable[[], None]:
    _, old = ran(node, "1.2", "1.3")
    del old
    wanted = step(model(node, "1.4"))
    return lambda: void(settle(node, wanted))


def _passes(node: FakeNode) -> Callable[[], None]:
    _, new, found = beside(node)

    def end() -> None:
        declared = declares(node, new)
        if declared.running("detector") is not None:
            bring_about(declared, "detector", found, Outcome(passed=True))
        mended(declared, "detector")
        settle(node, step(new, tried=False))

    return end


def _fails(node: FakeNode) -> Callable[[], None]:
    _, new, found = beside(node)

    def end() -> None:
        declared = declares(node, new)
        if declared.running("detector") is not None:
            bring_about(declared, "detector", found, Outcome(passed=False, why="bad"))
        mended(declared, "detector")
        settle(node, step(new, tried=False))

    return end


def void(_: object) -> None:
    """Nothing is returned."""


@pytest.mark.parametrize(
    ("setup", "before", "after"),
    [
        (_begins, ("1.3", "1.2", ""), ("1.3", "1.2", "1.4")),
        (_passes, ("1.3", "1.2", "1.4"), ("1.4", "1.3", "")),
        (_fails, ("1.3", "1.2", "1.4"), ("1.3", "1.2", "")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_killed_or_failing_at_any_operation_the_decision_is_whole(
    setup: Callable[[FakeNode], Callable[[], None]], before: tuple[str, ...], after: tuple[str, ...], tmp_path: Path
) -> None:
    """Law: at each moment `current` is one whole version; a heal alone then ends in a state that was meant.

    Seeded faults: the links before the decision; the order goes before the decision does.
    """

    def attempt(disk: Disk, number: int) -> bool:
        node = FakeNode(tmp_path / f"{disk.kills}-{number}")
        node.places.state.mkdir(parents=True)
        work = setup(node)
        assert links(node) == before
        had = begun(node)
        with disk.armed(), suppress(Killed, OSError, ApplyFailed, AssertionError):
            work()
        assert reads(node) in {before[0], after[0]}
        every_version_is_whole(node)
        settle(node, step(model(node, "1.4"), tried=setup is _begins))
        assert links(node) in {before, after}
        assert (begun(node) is None) == (not order(node).exists()) == (links(node)[2] == "")
        assert had is None or begun(node) in (had, None), "what was judged is not judged anew"
        work()
        assert links(node) == after
        return disk.reached

    assert faults.sweep(attempt) > 10


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch, node: FakeNode) -> Callable[..., None]:
    """Let a person act on a node that declares something; the lock is another test's matter."""
    from contextlib import nullcontext

    def set_up(*current: Model, asked: Rollout | None = None) -> None:
        for module in (byhand, turn):
            monkeypatch.setattr(module, "quiet", lambda *_, **__: nullcontext())
            monkeypatch.setattr(module, "declared", lambda _: declares(node, *current, asked=asked))

    return set_up


def test_by_hand_a_version_that_came_ahead_stands_beside_and_takes_over(
    node: FakeNode, hand: Callable[..., None]
) -> None:
    """Law: whatever the strategy is; what is not declared stays by a hold, until another version is deployed."""
    _, now = ran(node, "1.2", "1.3")
    new = model(node, "1.4")
    expected.write(Registry(node.places), Expected(new, sizes(new), 1))
    settle(node, step(now, asked=None, tried=False))
    hand(now)
    with pytest.raises(NotReady, match="keeps no version 9 of detector"):
        byhand.try_beside(node.places, "detector", "9", CANARY, who="anna")
    with pytest.raises(NotReady, match="cannot stand beside itself"):
        byhand.try_beside(node.places, "detector", "1.3", CANARY, who="anna")
    with pytest.raises(NotReady, match="keeps no model counter"):
        byhand.try_beside(node.places, "counter", "1.3", CANARY, who="anna")
    said = byhand.try_beside(node.places, "detector", "", CANARY, who="anna", percent=10, soak_seconds=30)
    assert (said.said, said.changed) == ("detector 1.4 is canary beside 1.3 (10 %)", True)
    again = byhand.try_beside(node.places, "detector", "1.4", CANARY, who="bert", percent=10, soak_seconds=30)
    assert (again.said, again.changed) == ("detector 1.4 is canary beside 1.3 (10 %), already", False)
    heals = step(now, asked=None, tried=False)
    seen = heals.probe(node)
    assert (seen.status, seen.reason) == (Status.CURRENT, "detector 1.4 is canary beside 1.3 (10 %)")
    said = byhand.promote(node.places, "detector", "", who="anna", why="good")
    assert said.said.startswith("detector 1.4 runs now, 1.3 before; held at 1.4 by anna since ")
    assert links(node)[:2] == ("1.4", "1.3")
    assert heals.probe(node).status is Status.CURRENT
    assert byhand.promote(node.places, "detector", "1.4", who="anna", why="").changed is False
    settle(node, step(new))
    decide(node.places, payload(new), 3)
    assert (links(node)[0], held.read(Registry(node.places), "detector"), begun(node)) == ("1.4", None, None)


def test_one_begun_by_hand_that_fails_leaves_no_hold(node: FakeNode, hand: Callable[..., None]) -> None:
    """Law: nothing would bring it back, so nothing holds it back."""
    _, now = ran(node, "1.2", "1.3")
    new = model(node, "1.4")
    expected.write(Registry(node.places), Expected(new, sizes(new), 1))
    settle(node, step(now, asked=None, tried=False))
    hand(now)
    byhand.try_beside(node.places, "detector", "1.4", SHADOW, who="anna")
    found = begun(node)
    assert found is not None
    assert found.asked.promote == BY_HAND
    bring_about(declares(node, now, asked=None), "detector", found, Outcome(passed=False, why="bad"))
    assert held.read(Registry(node.places), "detector") is None
    assert links(node) == ("1.3", "1.2", "1.4"), "it has come ahead, as before"
    assert step(now, asked=None, tried=False).probe(node).status is Status.CURRENT


def test_a_rollback_ends_what_stands_beside_and_no_more(node: FakeNode, hand: Callable[..., None]) -> None:
    """Law: what runs goes on; the declared version is held back by the person, and a second time is fine."""
    _, new, _ = beside(node)
    hand(new, asked=SLOW)
    said = turn.rollback(node.places, "detector", who="anna", why="")
    assert said.said.startswith("detector: the canary of 1.4 ends; held at 1.3 by anna since ")
    assert links(node) == ("1.3", "1.2", "")
    assert turn.rollback(node.places, "detector", who="anna", why="").changed is False
    assert step(new, tried=False).probe(node).status is Status.CURRENT
    with pytest.raises(NotReady, match="keeps no version 2"):
        byhand.promote(node.places, "detector", "2", who="anna", why="")
    assert byhand.promote(node.places, "detector", "1.4", who="anna", why="").said == (
        "detector 1.4 runs now, 1.3 before"
    )
    assert links(node) == ("1.4", "1.3", "")
    assert step(new, tried=False).probe(node).reason == "detector 1.4"


def test_what_was_turned_down_can_be_tried_again(node: FakeNode, hand: Callable[..., None]) -> None:
    """Law: released, its own rollout begins anew, and it does not run at once; a second release is fine."""
    _, new, found = beside(node)
    hand(new, asked=SLOW)
    bring_about(declares(node, new), "detector", found, Outcome(passed=False, why="bad"))
    assert turn.release(node.places, "detector").said == f"detector is released: {SAYS.partition(' ')[2]}, once more"
    assert settle(node, step(new, tried=False)).reason == SAYS
    assert turn.release(node.places, "detector").changed is False
    now = begun(node)
    assert now is not None
    assert now.order.id != found.order.id
    bring_about(declares(node, new), "detector", now, Outcome(passed=False, why="bad"))
    byhand.try_beside(node.places, "detector", "1.4", CANARY, who="anna")
    assert settle(node, step(new, tried=False)).reason == SAYS
