"""`edgectl models` through the real entry point: from a file of the inventory to what runs on the node, and back."""

from __future__ import annotations

import itertools
from argparse import Namespace
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest.mock import Mock

import pytest

from edgectl.control.deploy import prefetch as ahead
from edgectl.control.deploy.prefetch import Hours
from edgectl.node import engine
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.models import held, turn
from edgectl.node.models.registry import Registry
from edgectl.node.rack import models as rack
from edgectl.node.sweep import sweep
from edgectl.wire.errors import Exit
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode
from tests.unit.node.faults import Disk, Killed

SIZE = 300_000


def weights(seed: int, *, tuned: int = 0) -> bytes:
    """Return a model that no packing makes smaller; `tuned` bytes at its end are others."""
    data = bytearray(Random(seed).randbytes(SIZE))  # noqa: S311 - the same each time
    if tuned:
        data[-tuned:] = Random(seed + 1).randbytes(tuned)  # noqa: S311
    return bytes(data)


@pytest.fixture
def shop(inventory: Path, edgectl: Edgectl) -> Path:
    """Return the inventory of a store that runs detector 1.3, from a file that the bundle has taken in."""
    folder = inventory.parent / "models"
    folder.mkdir()
    (folder / "detector-1.3.onnx").write_bytes(weights(3))
    (folder / "detector-1.4.onnx").write_bytes(weights(3, tuned=9_000))
    (folder / "detector-1.5.onnx").write_bytes(weights(5))
    say(inventory, '{version: "1.3", from: ./models/detector-1.3.onnx}')
    build(inventory, edgectl)
    return inventory


def say(inventory: Path, model: str, more: str = "") -> None:
    """Declare the detector anew."""
    head, _, _ = inventory.read_text().partition("    models:")
    inventory.write_text(f"{head}    models: {{detector: {model}}}\n{more}")


def build(inventory: Path, edgectl: Edgectl) -> None:
    """Take the models into the bundle."""
    from edgectl.control.bundle.layout import Bundle
    from edgectl.control.gather.models import take_models
    from edgectl.control.gather.shopping import Shopping
    from edgectl.control.inventory.load import load

    del edgectl
    shopping = Shopping(Bundle(inventory.parent / "bundle"), (), lambda _: None)
    take_models([load(inventory).store("store-042")], shopping)
    assert not shopping.missing, shopping.missing


NEXT_14 = '{version: "1.3", from: ./models/detector-1.3.onnx, next: {version: "1.4", from: ./models/detector-1.4.onnx}}'
NOW_14 = '{version: "1.4", from: ./models/detector-1.4.onnx}'


def runs(node: StoreNode, link: str = "current") -> str:
    """Return the version that a link names, as whoever reads the registry finds it."""
    path = node.file("var/lib/edgectl/models/detector") / link
    return path.readlink().name.rpartition("-")[0] if path.is_symlink() else ""


def content(node: StoreNode) -> bytes:
    return (node.file("var/lib/edgectl/models/detector/current/model.onnx")).read_bytes()


def heal(node: StoreNode) -> int:
    """Let the timer come."""
    return engine.run(node.places)


def test_a_deploy_puts_a_version_into_the_registry(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The file is a hard link to its blob, model.json says what it is, and a second deploy changes nothing."""
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 0, said
    assert said.document["changed"] == ["host-files", "models"]
    assert content(node) == weights(3)
    assert runs(node) == "1.3"
    again = edgectl("deploy", "store-042", "-o", "json").document
    assert (again["changed"], again["blob_bytes"]) == ([], 0)
    shown = edgectl("models", "store-042")
    assert shown.code == 0
    assert shown.out.startswith("store-042/node-1  1 version, 300.0 KB\n  detector     1.3 ")
    assert shown.out.rstrip().endswith("current, declared")
    assert shop.is_file()


def test_a_tuned_version_travels_as_what_differs(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: of 300 KB with 3 % new weights, far fewer than a tenth go over the line; before it runs, 1.3 does."""
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    said = edgectl("deploy", "store-042", "-o", "json").document
    assert said["blob_bytes"] > SIZE
    assert said["wire_bytes"] < SIZE / 10
    assert (runs(node), runs(node, "previous")) == ("1.4", "1.3")


def test_after_a_prefetch_the_deploy_sends_no_byte_of_the_model(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: a prefetch changes nothing that runs; the deploy of that version sends 0 bytes of it.

    Seeded fault: a sweep that does not know what has come ahead.
    """
    edgectl("deploy", "store-042")
    say(shop, NEXT_14)
    build(shop, edgectl)
    came = edgectl("models", "prefetch", "store-042", "-o", "json")
    assert came.code == 0, came
    one = came.document["stores"]["store-042"]
    assert (one["word"], one["blob_bytes"], one["left"]) == ("here", SIZE, 0)
    assert one["wire_bytes"] < SIZE / 10, "as what differs from 1.3"
    assert (runs(node), runs(node, "candidate"), runs(node, "previous")) == ("1.3", "1.4", "")
    assert "candidate, coming" in edgectl("models", "store-042").out
    assert (
        edgectl("models", "prefetch", "store-042").out == "store-042 has detector 1.4 ahead already; nothing was sent\n"
    )
    declare(shop, "another", before="good")  # a deploy in between, which knows 1.4 as next
    assert edgectl("deploy", "store-042").code == 0
    assert heal(node) == 0
    assert runs(node, "candidate") == "1.4"
    say(shop, NOW_14)
    said = edgectl("deploy", "store-042", "-o", "json").document
    assert said["blob_bytes"] < 10_000, "the payload alone"
    assert (runs(node), runs(node, "previous"), runs(node, "candidate")) == ("1.4", "1.3", "")
    assert content(node) == weights(3, tuned=9_000)


def test_a_rollback_holds_against_the_heal_until_another_version_is_deployed(
    shop: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Law: at once, with no network, and it stays; the store is ready and says so; 1.5 ends it, and not the same 1.4.

    Seeded fault: a step that puts the declared version back.
    """
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    said = edgectl("models", "rollback", "store-042", "detector", "--why", "bad counts")
    assert said.code == 0, said
    assert "  node-1    detector went back from 1.4 to 1.3; held at 1.3 by " in said.out
    assert (runs(node), runs(node, "previous")) == ("1.3", "1.4")
    assert heal(node) == 0
    assert edgectl("deploy", "store-042").code == 0
    assert runs(node) == "1.3"
    status = edgectl("status", "store-042")
    assert status.code == 0
    assert "  held      detector held at 1.3 by " in status.out
    assert status.out.rstrip().splitlines()[-1].endswith(": bad counts") or ": bad counts\n" in status.out
    assert "held at 1.3 by " in edgectl("models", "store-042").out
    twice = edgectl("models", "rollback", "store-042", "detector")
    assert (twice.code, ": bad counts, already" in twice.out) == (0, True)
    say(shop, '{version: "1.5", from: ./models/detector-1.5.onnx}')
    build(shop, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    assert (runs(node), runs(node, "previous")) == ("1.5", "1.3")
    assert "held" not in edgectl("status", "store-042").out


def test_a_deploy_that_fails_gives_the_hold_and_the_last_good_version_back(
    shop: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Law: `previous` is never what a rejected deploy has tried, and a person's hold outlives one."""
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    declare(shop, "bad")
    say(shop, '{version: "1.5", from: ./models/detector-1.5.onnx}')
    build(shop, edgectl)
    assert edgectl("deploy", "store-042").code == 5
    assert (runs(node), runs(node, "previous")) == ("1.4", "1.3")
    declare(shop, "good", before="bad")
    edgectl("models", "rollback", "store-042", "detector")
    declare(shop, "bad")
    assert edgectl("deploy", "store-042").code == 5
    assert (runs(node), runs(node, "previous")) == ("1.3", "1.4")


def test_at_the_rack_and_back_again(
    shop: Path, node: StoreNode, edgectl: Edgectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`edgectl-node models`, `rollback` and `release`: who it was stands in the hold."""
    monkeypatch.setenv("SUDO_USER", "anna")
    edgectl("deploy", "store-042")
    nothing = rack.run(node.places, Namespace(deed="rollback", name="detector", why=""))
    assert nothing == Exit.NOT_READY
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    capsys.readouterr()
    assert rack.run(node.places, Namespace(deed="rollback", name="detector", why="bad counts")) == 0
    assert capsys.readouterr().out.startswith("detector went back from 1.4 to 1.3; held at 1.3 by anna@")
    assert rack.run(node.places, Namespace(deed=None)) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("2 versions, 600.0 KB\n")
    assert listed.rstrip().endswith(": bad counts")
    assert rack.run(node.places, Namespace(deed="release", name="detector")) == 0
    assert runs(node) == "1.4"
    assert rack.run(node.places, Namespace(deed="release", name="detector")) == 0
    assert capsys.readouterr().out.endswith("\ndetector is not held\n")
    assert rack.run(node.places, Namespace(deed="rollback", name="counter", why="")) == Exit.NOT_READY
    assert "keeps no model counter" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(held, "write_atomic", Mock(side_effect=OSError(28, "No space left on device")))
        assert rack.run(node.places, Namespace(deed="rollback", name="detector", why="")) == Exit.NOT_READY
    assert "No space left on device" in capsys.readouterr().err


def test_a_budget_that_cannot_hold_what_comes_is_said_before_a_byte_is_sent(
    shop: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Law: plan says it, deploy and prefetch refuse it (exit 11), and the node holds nothing new."""
    edgectl("deploy", "store-042")
    before = {path.name for path in node.places.blobs.iterdir()}
    say(shop, NOW_14, "    model_budget: 500KB\n")
    build(shop, edgectl)
    planned = edgectl("plan", "store-042")
    assert planned.code == 5
    sentence = "the model budget of 500.0 KB cannot hold detector 1.3 (current), detector 1.4 (new): 600.0 KB"
    assert sentence in planned.out
    said = edgectl("deploy", "store-042")
    assert said.code == 11
    assert sentence in said.err
    say(shop, NEXT_14, "    model_budget: 500KB\n")
    came = edgectl("models", "prefetch", "store-042")
    assert came.code == 11
    assert sentence in came.err
    assert {path.name for path in node.places.blobs.iterdir()} == before
    assert runs(node) == "1.3"


def test_a_budget_that_could_never_hold_it_is_an_error_of_the_inventory(shop: Path, edgectl: Edgectl) -> None:
    say(shop, NOW_14, "    model_budget: 200KB\n")
    build(shop, edgectl)
    said = edgectl("render", "store-042")
    assert said.code == 3
    assert "model_budget: 200.0 KB cannot hold this store's models, 300.0 KB" in said.err


@pytest.mark.usefixtures("node")
def test_outside_its_hours_nothing_is_sent(shop: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 10 and when they open, in the store's time; --now insists."""
    edgectl("deploy", "store-042")
    hours(shop, monkeypatch, lambda: datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
    build(shop, edgectl)
    said = edgectl("models", "prefetch", "store-042")
    assert said.code == 10
    assert "they open Mon 2026-11-23 22:00 Europe/Berlin (in 9 h 0 min); --now sends at once" in said.out
    assert edgectl("models", "prefetch", "store-042", "--now").code == 0


def test_when_the_hours_end_it_stops_and_what_came_is_kept(
    shop: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: no write begins after the end; what is left is said; the same command goes on at the last byte.

    Seeded fault: what came is thrown away.
    """
    edgectl("deploy", "store-042")
    looks = iter(range(10_000))
    hours(shop, monkeypatch, lambda: datetime(2026, 11, 23, 21 if next(looks) < 15 else 12, 0, tzinfo=UTC))
    say_15(shop)
    build(shop, edgectl)
    said = edgectl("models", "prefetch", "store-042", "--limit", "8MB", "-o", "json")
    assert said.code == 10, said
    first = said.document["stores"]["store-042"]
    assert first["word"] == "stopped"
    assert 0 < first["left"] < SIZE
    assert runs(node, "candidate") == ""
    (shown,) = [line for line in edgectl("models", "store-042").out.splitlines() if "coming" in line]
    assert "have not come" in shown
    again = edgectl("models", "prefetch", "store-042", "--now", "-o", "json")
    assert again.code == 0, again
    assert 0 < again.document["stores"]["store-042"]["blob_bytes"] < SIZE
    assert runs(node, "candidate") == "1.5"


@pytest.mark.usefixtures("node")
def test_hours_that_end_before_the_node_was_asked_are_no_success(
    shop: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is not known then; that it has come is not said."""
    edgectl("deploy", "store-042")
    looks = iter(range(10_000))
    hours(shop, monkeypatch, lambda: datetime(2026, 11, 23, 12 if next(looks) else 21, 0, tzinfo=UTC))
    build(shop, edgectl)
    said = edgectl("models", "prefetch", "store-042")
    assert said.code == 10, said
    assert said.out.startswith("store-042: the hours have ended before detector 1.4 was there; they open")


def say_15(inventory: Path) -> None:
    """Let 1.5, which is like nothing before it, be to come."""
    inventory.write_text(inventory.read_text().replace('"1.4"', '"1.5"').replace("detector-1.4", "detector-1.5"))


def hours(inventory: Path, monkeypatch: pytest.MonkeyPatch, clock: object) -> None:
    """Let 1.4 be to come, at night."""
    night = '    timezone: Europe/Berlin\n    windows: {prefetch: [{start: "22:00", end: "05:00"}]}\n'
    say(inventory, NEXT_14, night)
    monkeypatch.setattr(
        ahead,
        "Hours",
        lambda windows, *, insists: Hours(windows, insists, clock),  # type: ignore[arg-type]
    )


@pytest.mark.usefixtures("node")
def test_nothing_is_to_come(shop: Path, edgectl: Edgectl) -> None:
    said = edgectl("models", "prefetch", "store-042")
    assert (said.code, said.out) == (0, "store-042: nothing is to come (models.NAME.next names it)\n")
    assert shop.is_file()


def test_a_model_that_is_declared_no_more_goes(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Nobody finds it under `current` any more; its bytes go when nothing goes back to them."""
    edgectl("deploy", "store-042")
    shop.write_text(shop.read_text().partition("    models:")[0])
    assert edgectl("deploy", "store-042").code == 0
    assert runs(node) == ""
    assert node.file("var/lib/edgectl/models/detector/versions").is_dir(), "the sequence before wants it"
    for text in ("one", "two"):
        declare(shop, text, before="good" if text == "one" else "one")
        assert edgectl("deploy", "store-042").code == 0
    node.join()
    sweep(node.places)  # the last one may have met a session that was about to end
    assert not node.file("var/lib/edgectl/models/detector").exists()


def test_a_rollback_of_the_store_brings_its_model_back(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    said = edgectl("rollback", "store-042")
    assert said.code == 0, said
    assert (runs(node), runs(node, "previous")) == ("1.3", "1.4")


@pytest.mark.usefixtures("node")
def test_what_the_bundle_lacks_is_said_with_its_line(shop: Path, edgectl: Edgectl) -> None:
    """And the fact alone, without `from`, needs no bundle and no registry."""
    say(shop, '{version: "9", from: ./models/none.onnx, next: {version: "10", from: ./none.onnx}}')
    said = edgectl("render", "store-042")
    assert said.code == 3
    assert "model detector 9 is not in the bundle" in said.err
    assert "model detector 10 is not in the bundle" in said.err
    say(shop, '{version: "9"}')
    assert edgectl("deploy", "store-042", "-o", "json").document["changed"] == ["host-files"]


def test_a_link_that_dies_in_between_is_gone_on_with(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: what came is kept, the command comes back by itself, and no byte goes twice."""
    edgectl("deploy", "store-042")
    say(shop, NEXT_14)
    say_15(shop)
    build(shop, edgectl)
    node.breaks_at = node.frames + 9
    came = edgectl("models", "prefetch", "store-042", "--limit", "4MB", "-o", "json")
    assert came.code == 0, came
    assert node.broken
    assert came.document["stores"]["store-042"]["blob_bytes"] < SIZE + 20_000
    assert runs(node, "candidate") == "1.5"


def test_a_deploy_that_runs_is_not_disturbed(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: nobody switches versions under a deploy (exit 7), nor while one is undecided."""
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    node.join()
    with Lock(node.places.run, {"run": "0", "kind": "deploy"}) as lock:
        assert lock.acquire()
        said = edgectl("models", "rollback", "store-042", "detector")
    assert (said.code, "a deploy runs on this node" in said.err) == (7, True)
    slots = Slots(node.places)
    assert slots.current is not None
    slots.accept(replace(slots.current.envelope, sequence=9))
    said = edgectl("models", "rollback", "store-042", "detector")
    assert (said.code, "sequence 9 is being deployed here" in said.err) == (7, True)
    assert runs(node) == "1.4"


def test_a_rollback_that_was_killed_is_finished(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: the decision is written first: by the next heal, or the same command, it is done."""
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    node.join()
    registry = Registry(node.places)
    for by_heal in (True, False):
        edgectl("models", "rollback", "store-042", "detector")
        hold = held.read(registry, "detector")
        assert hold is not None
        registry.point("detector", "current", hold.from_folder)
        registry.point("detector", "previous", hold.folder)
        finished = heal(node) if by_heal else edgectl("models", "rollback", "store-042", "detector").code
        assert finished == 0
        assert (runs(node), runs(node, "previous")) == ("1.3", "1.4")
        edgectl("models", "release", "store-042", "detector")
        assert (runs(node), runs(node, "previous")) == ("1.4", "1.3")


def test_a_release_that_was_killed_is_finished(shop: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: killed at any operation, the next heal or the same command ends it, and what can be gone back to stays."""
    edgectl("deploy", "store-042")
    say(shop, NOW_14)
    build(shop, edgectl)
    edgectl("deploy", "store-042")
    node.join()
    for at in itertools.count():
        edgectl("models", "rollback", "store-042", "detector")
        with pytest.MonkeyPatch.context() as patch, (disk := Disk(at, kill=True)).armed(), suppress(Killed):
            patch.setattr(turn, "quiet", lambda _: nullcontext())  # a lock goes with its process, not with a thread
            turn.release(node.places, "detector")
        assert heal(node) == 0
        if held.read(Registry(node.places), "detector") is not None:
            assert edgectl("models", "release", "store-042", "detector").code == 0
        assert (runs(node), runs(node, "previous")) == ("1.4", "1.3"), at
        if not disk.reached:
            break
    assert at > 5


@pytest.mark.usefixtures("node")
def test_several_stores_each_say_how_it_ended(shop: Path, edgectl: Edgectl) -> None:
    """The exit code is that of the first that has not all; none of them keeps another from its own."""
    edgectl("deploy", "store-042")
    say(shop, NEXT_14)
    build(shop, edgectl)
    shop.write_text(shop.read_text() + "  store-043:\n    models: {detector: {version: 7, from: ./x}}\n")
    said = edgectl("models", "prefetch", "store-04*", "-o", "json")
    assert said.code == 3
    ended = said.document["stores"]
    assert (ended["store-042"]["word"], ended["store-043"]["code"]) == ("here", 3)
