"""Versions are whole or not there, `current` always names one whole version, and any kill is mended by going on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status
from edgectl.node.models import expected, held
from edgectl.node.models.budget import over
from edgectl.node.models.collect import collect, decide
from edgectl.node.models.expected import Expected
from edgectl.node.models.held import Held
from edgectl.node.models.registry import CURRENT, PREVIOUS, Registry
from edgectl.node.models.step import Registered
from edgectl.node.models.switch import switch
from edgectl.wire.document import digest_of
from edgectl.wire.payload import Model, Models, Payload
from tests.unit.node import faults
from tests.unit.node.fake import FakeNode
from tests.unit.node.faults import Disk, Killed

_SIZE = {"model.onnx": 120, "labels.txt": 60}


def model(node: FakeNode, version: str, name: str = "detector") -> Model:
    """Return a version whose blobs are on the node; labels are the same in all."""
    return Model(name, version, {"model.onnx": blob(node, f"{name} {version}"), "labels.txt": blob(node, "labels")})


def blob(node: FakeNode, text: str) -> str:
    data = text.encode() * 10
    path = node.places.blob(digest_of(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)
    return digest_of(data)


def step(*current: Model, tried: bool = False, **more: object) -> Registered:
    """Return the step of a payload that declares these."""
    return Registered(Models(current, **more), sizes(*current), tried)  # type: ignore[arg-type]


def sizes(*models: Model) -> dict[str, int]:
    return {digest: _SIZE.get(file, 1) for one in models for file, digest in one.files.items()}


def settle(node: FakeNode, wanted: Registered) -> Observation:
    """Converge: probe, apply where it differs, probe again."""
    seen = wanted.probe(node)
    if seen.status is Status.DRIFTED:
        wanted.apply(node, seen)
        seen = wanted.probe(node)
    assert seen.status is Status.CURRENT, seen
    return seen


def reads(node: FakeNode) -> str:
    """Return the version that whoever reads `current` finds, and fail when any file of it is not whole."""
    folder = node.places.models / "detector" / "current"
    if not folder.is_symlink():
        return ""
    note = Registry(node.places).note("detector", folder.readlink().name)
    assert note is not None, "current names something without its model.json"
    assert {file: digest_of((folder / file).read_bytes()) for file in note.files} == note.files
    return note.version


def every_version_is_whole(node: FakeNode) -> None:
    """Fail when a folder that stands among the versions lacks anything."""
    registry = Registry(node.places)
    for folder in registry.folders("detector"):
        note = registry.note("detector", folder)
        assert note is not None, f"{folder} has no model.json"
        assert {"model.json", *note.files} <= {path.name for path in registry.at("detector", folder).iterdir()}


def links(node: FakeNode) -> tuple[str, str]:
    """Return the versions of current and previous."""
    found = Registry(node.places)
    return tuple(found.linked("detector", link).rpartition("-")[0] for link in (CURRENT, PREVIOUS))  # type: ignore[return-value]


def hold(node: FakeNode, at: Model, gone_from: Model) -> Held:
    found = Held(
        at.version, at.folder, gone_from.version, gone_from.folder, "anna", "bad counts", "2026-11-23T12:00:00Z"
    )
    held.write(Registry(node.places), at.name, found)
    return found


def test_a_version_is_the_blobs_themselves_and_costs_no_disk(node: FakeNode) -> None:
    """Law: files are hard links; a second look changes nothing, and finds nothing."""
    one = model(node, "1.3")
    assert settle(node, step(one)).reason == "detector 1.3"
    file = node.places.models / "detector" / "current" / "model.onnx"
    assert file.stat().st_ino == node.places.blob(one.files["model.onnx"]).stat().st_ino
    assert sorted(path.name for path in file.parent.iterdir()) == ["labels.txt", "model.json", "model.onnx"]
    assert step(one).probe(node).status is Status.CURRENT


def test_on_another_file_system_it_is_a_copy(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: where no link can be made, the same bytes lie there; that is as declared, too."""

    def refuses(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuses)
    settle(node, step(model(node, "1.3")))
    assert reads(node) == "1.3"


@pytest.mark.parametrize("harm", ["missing", "another", "cut", "note", "folder", "link"])
def test_what_a_hand_has_changed_is_put_back(harm: str, node: FakeNode) -> None:
    """Law: a file that is gone, another or shorter, a note that is torn, a link that leads elsewhere.

    Seeded fault: inodes are not compared.
    """
    one = model(node, "1.3")
    settle(node, step(one))
    folder = (node.places.models / "detector" / "current").resolve()
    file = folder / "model.onnx"
    if harm == "missing":
        file.unlink()
    elif harm == "another":
        file.rename(folder / "old")
        file.write_bytes(b"x" * 120)
    elif harm == "cut":
        file.unlink()
        file.write_bytes(b"x")
    elif harm == "note":
        (folder / "model.json").write_text("{")
    elif harm == "folder":
        shutil.rmtree(folder)
    else:
        (node.places.models / "detector" / "current").unlink()
    assert step(one).probe(node).status is Status.DRIFTED
    settle(node, step(one))
    assert reads(node) == "1.3"


def test_a_deploy_switches_and_one_that_fails_gives_previous_back(node: FakeNode) -> None:
    """Law: previous is the last good version, before and after a deploy that was turned down."""
    old, now, bad = (model(node, version) for version in ("1.2", "1.3", "1.4"))
    settle(node, step(old, tried=True))
    settle(node, step(now, tried=True))
    assert links(node) == ("1.3", "1.2")
    settle(node, step(bad, tried=True))
    assert links(node) == ("1.4", "1.3")
    settle(node, step(now))
    assert links(node) == ("1.3", "1.2")


def test_a_heal_keeps_what_a_person_holds_and_says_so(node: FakeNode) -> None:
    """Law: as long as what is declared is what was gone back from; another declaration is followed."""
    old, now, new = (model(node, version) for version in ("1.3", "1.4", "1.5"))
    settle(node, step(old, tried=True))
    settle(node, step(now, tried=True))
    hold(node, old, now)
    said = settle(node, step(now))
    assert said.reason == "detector held at 1.3 by anna since 2026-11-23 12:00 UTC: bad counts"
    assert (said.degraded, links(node)) == ("", ("1.3", "1.4"))
    settle(node, step(new, tried=True))
    assert links(node) == ("1.5", "1.3")
    settle(node, step(now))
    assert links(node) == ("1.3", "1.4"), "the deploy has failed, and the hold stays"


def test_a_held_version_is_mended_too(node: FakeNode) -> None:
    """Law: what pods read is compared with its blobs, also where a person has put it in the place of another."""
    old, now = model(node, "1.3"), model(node, "1.4")
    settle(node, step(old, tried=True))
    settle(node, step(now, tried=True))
    hold(node, old, now)
    (Registry(node.places).at("detector", old.folder) / "model.onnx").unlink()
    assert step(now).probe(node).status is Status.DRIFTED
    settle(node, step(now))
    assert (links(node), reads(node)) == (("1.3", "1.4"), "1.3")


def test_a_hold_of_a_version_that_is_gone_holds_nothing(node: FakeNode) -> None:
    """Law: what cannot run is not waited for."""
    old, now = model(node, "1.3"), model(node, "1.4")
    settle(node, step(old, tried=True))
    settle(node, step(now, tried=True))
    hold(node, old, now)
    shutil.rmtree(Registry(node.places).at("detector", old.folder))
    settle(node, step(now))
    assert reads(node) == "1.4"


def test_names_that_lead_elsewhere_are_refused(node: FakeNode) -> None:
    """Law: whoever made the payload, no file is written outside of the registry."""
    good = model(node, "1.3")
    for bad in (
        Model("detector", "1.3", {"../x": good.files["model.onnx"]}),
        Model("detector", "../1.3", good.files),
        Model("..", "1.3", good.files),
        Model("detector", "1.3", {"model.json": good.files["model.onnx"]}),
    ):
        wanted = step(bad)
        with pytest.raises(ApplyFailed, match="no name of a file"):
            wanted.apply(node, Observation(Status.DRIFTED, ""))


def test_without_its_blobs_a_version_cannot_come(node: FakeNode) -> None:
    """Law: a deploy sends them; the version that runs stays."""
    now, new = model(node, "1.3"), model(node, "1.4")
    settle(node, step(now))
    node.places.blob(new.files["model.onnx"]).unlink()
    with pytest.raises(ApplyFailed, match="is not on this node; a deploy sends it"):
        step(new, tried=True).apply(node, Observation(Status.DRIFTED, ""))
    assert reads(node) == "1.3"


def test_what_cannot_be_looked_at_is_unknown(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error", "/x")

    monkeypatch.setattr(Registry, "wrong", fails)
    with pytest.raises(LookFailed, match="cannot be looked at: Input/output error"):
        step(model(node, "1.3")).probe(node)


def test_a_budget_counts_a_shared_file_once_and_is_judged_for_deploys_alone(node: FakeNode) -> None:
    """Law: current, previous and new must fit; what runs already is never taken back for its size."""
    old, now, new = (model(node, version) for version in ("1.2", "1.3", "1.4"))
    settle(node, step(old, tried=True))
    settle(node, step(now, tried=True))
    assert over(node.places, [new], sizes(new), 120 * 3 + 60) == ""
    said = over(node.places, [new], sizes(new), 400)
    assert said == (
        "the model budget of 0.4 KB cannot hold detector 1.3 (current), detector 1.2 (previous), "
        "detector 1.4 (new): 0.4 KB"
    )
    assert over(node.places, [new], sizes(new), 0) == ""
    seen = step(new, tried=True, budget_bytes=400).probe(node)
    assert (seen.status, seen.reason) == (Status.FAILED, said)
    assert step(now, budget_bytes=400).probe(node).status is Status.CURRENT


def payload(*current: Model, **more: object) -> Payload:
    return Payload("store-042", "", (), (), sizes(*current), models=Models(current, **more))  # type: ignore[arg-type]


def kept(node: FakeNode) -> list[str]:
    return sorted(name.rpartition("-")[0] for name in Registry(node.places).folders("detector"))


def ran_through(node: FakeNode, *versions: str) -> list[Model]:
    """Deploy one version after the other."""
    models = [model(node, version) for version in versions]
    for number, one in enumerate(models):
        settle(node, step(one, tried=True))
        decide(node.places, payload(one), number)
        os.utime(Registry(node.places).at("detector", one.folder), (number + 1, number + 1))
    return models


def test_collection_takes_the_oldest_that_nobody_needs_and_only_what_does_not_fit(node: FakeNode) -> None:
    """Law: never current, previous, candidate, a slot's or a coming one; of the rest the oldest, as budgets say."""
    models = ran_through(node, "1.0", "1.1", "1.2", "1.3", "1.4")
    collect(node.places, (payload(models[4], budget_bytes=10_000),), payload(models[4], budget_bytes=10_000))
    assert kept(node) == ["1.0", "1.1", "1.2", "1.3", "1.4"]
    four = payload(models[4], budget_bytes=60 + 4 * 120)
    collect(node.places, (four,), four)
    assert kept(node) == ["1.1", "1.2", "1.3", "1.4"], "the labels are one file"
    small = payload(models[4], budget_bytes=1)
    digests = collect(node.places, (small, payload(models[1])), small)
    assert kept(node) == ["1.1", "1.3", "1.4"]
    assert set(models[1].files.values()) <= digests
    none = payload(models[4])
    collect(node.places, (none,), none)
    assert kept(node) == ["1.3", "1.4"], "without a budget, what nobody needs goes"


def test_what_has_come_ahead_stays_until_a_deploy_names_something_else(node: FakeNode) -> None:
    """Law: a deploy from before does not end it, nor one that names it; a later one that does not, does."""
    (now,) = ran_through(node, "1.3")
    new = model(node, "1.4")
    registry = Registry(node.places)
    expected.write(registry, Expected(new, sizes(new), sequence=7))
    said = settle(node, step(now))
    assert said.status is Status.CURRENT
    assert registry.linked("detector", "candidate") == new.folder
    for sequence, runs in ((7, payload(now)), (8, payload(now, next=(new,)))):
        decide(node.places, runs, sequence)
        assert set(new.files.values()) <= collect(node.places, (runs,), runs)
        assert kept(node) == ["1.3", "1.4"]
    decide(node.places, payload(now), 8)
    assert registry.linked(now.name, "candidate") == "", "a link that stays would be drift"
    settle(node, step(now))
    collect(node.places, (payload(now),), payload(now))
    assert kept(node) == ["1.3"]


def test_a_half_that_came_is_no_candidate(node: FakeNode) -> None:
    now, new = model(node, "1.3"), model(node, "1.4")
    expected.write(Registry(node.places), Expected(new, sizes(new) | {new.files["model.onnx"]: 999}, 1))
    settle(node, step(now))
    assert Registry(node.places).linked("detector", "candidate") == ""


Setup = Callable[[FakeNode], Callable[[], None]]


def _first(node: FakeNode) -> Callable[[], None]:
    wanted = step(model(node, "1.4"), tried=True)
    return lambda: void(settle(node, wanted))


def _update(node: FakeNode) -> Callable[[], None]:
    ran_through(node, "1.2", "1.3")
    wanted = step(model(node, "1.4"), tried=True)
    return lambda: void(settle(node, wanted))


def _return(node: FakeNode) -> Callable[[], None]:
    _, now = ran_through(node, "1.2", "1.3")
    settle(node, step(model(node, "1.4"), tried=True))
    return lambda: void(settle(node, step(now)))


def _back(node: FakeNode) -> Callable[[], None]:
    old, now = ran_through(node, "1.3", "1.4")

    def turn() -> None:
        hold(node, old, now)
        switch(Registry(node.places), "detector", now.folder, tried=False)

    return turn


def _collected(node: FakeNode) -> Callable[[], None]:
    models = ran_through(node, "1.1", "1.2", "1.3", "1.4")
    one = payload(models[-1])
    return lambda: void(collect(node.places, (one,), one))


def void(_: object) -> None:
    """Nothing is returned."""


@pytest.mark.parametrize(
    ("setup", "before", "after"),
    [
        (_first, ("", ""), ("1.4", "")),
        (_update, ("1.3", "1.2"), ("1.4", "1.3")),
        (_return, ("1.4", "1.3"), ("1.3", "1.2")),
        (_back, ("1.4", "1.3"), ("1.3", "1.4")),
        (_collected, ("1.4", "1.3"), ("1.4", "1.3")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_killed_or_failing_at_any_operation_a_reader_sees_one_whole_version(
    setup: Setup, before: tuple[str, str], after: tuple[str, str], tmp_path: Path
) -> None:
    """Law: at each moment `current` is the old version or the new one, whole; the same again ends where it should.

    Seeded faults: `current` is unlinked before it is made anew; a version is filled in its own place.
    """

    def attempt(disk: Disk, number: int) -> bool:
        node = FakeNode(tmp_path / f"{disk.kills}-{number}")
        (node.places.state).mkdir(parents=True)
        work = setup(node)
        assert links(node) == before
        with disk.armed(), suppress(Killed, OSError, ApplyFailed, AssertionError):
            work()
        assert reads(node) in {before[0], after[0]}
        every_version_is_whole(node)
        work()
        assert links(node) == after
        assert reads(node) == after[0]
        return disk.reached

    assert faults.sweep(attempt) > 10
