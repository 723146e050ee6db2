"""`edgectl deploy` against a node that remembers: how it ends, what is said, what runs afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.deploy.operator import sender
from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.slots import Slots
from edgectl.node.io import programs
from edgectl.wire import event
from edgectl.wire.document import to_json
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import MOTD, StoreNode

pytestmark = pytest.mark.usefixtures("inventory")


def journals(node: StoreNode) -> list[Path]:
    return journal.runs(node.places.journal)


def test_first_deploy_then_nothing_to_change(node: StoreNode, edgectl: Edgectl) -> None:
    """The first brings the node to the declared state and says how; the second changes nothing, in one quiet line."""
    first = edgectl("deploy", "store-042")
    assert first.code == 0, first
    assert first.out.startswith("store-042 is READY. 1 change, ")
    assert "Sequence 1, was 0." in first.out
    assert first.err.startswith("store-042  Berlin   1 node, no GPU\n  send      4 blobs, ")
    assert "  changed   host files" in first.err
    assert node.file(MOTD).read_text() == "good"
    second = edgectl("deploy", "store-042")
    assert second.code == 0
    assert "store-042 is READY. Nothing to change (3 looked at, " in second.out
    assert second.err == ""


def test_as_json_there_is_one_document_and_progress_stays_on_stderr(node: StoreNode, edgectl: Edgectl) -> None:
    """Run, sequence, cost, verdict and exit code."""
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 0
    document = said.document
    assert (document["store"], document["sequence"], document["verdict"]["word"]) == ("store-042", 1, "ready")
    assert document["changed"] == ["host-files"]
    assert document["blob_bytes"] > 0
    assert "changed   host files" in said.err
    assert node.runs == 1


def test_a_bad_version_is_rejected_and_the_old_one_runs(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """What, why, evidence, what runs now, what to do next; and the old version is really back."""
    edgectl("deploy", "store-042")
    declare(inventory, "bad")
    said = edgectl("deploy", "store-042")
    assert said.code == 5
    for line in (
        "store-042 is READY on the old version (sequence 1). Sequence 2 was rejected.",
        "  why       inference: the model does not load",
        "            out of memory",
        "  runs now  sequence 1, as before this deploy",
        "  evidence  edgectl journal store-042 --run ",
        "  next      correct the inventory",
    ):
        assert line in said.out
    assert node.file(MOTD).read_text() == "good"
    status = edgectl("status", "store-042")
    assert status.code == 0
    assert "runs      sequence 1" in status.out
    assert "rejected  sequence 2" in status.out
    assert "because inference: the model does not load" in status.out


def test_a_first_version_that_is_bad_is_kept_trying(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """There is nothing to go back to: said so, exit 5, and the node still has it as its candidate."""
    declare(inventory, "bad")
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 5
    assert said.document["verdict"]["serving"] == 0
    text = edgectl("deploy", "store-042").out
    assert text.startswith("store-042 is NOT READY.\n")
    assert "runs now  this is the first deploy, nothing ran before; the node keeps trying by itself" in text
    assert Slots(node.places).candidate is not None


def test_a_step_that_cannot_be_applied_is_exit_6(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The reason is the operating system's own."""
    inventory.write_text(inventory.read_text().replace("/etc/motd", "/srv/motd"))
    node.file("srv").parent.mkdir(exist_ok=True)
    node.file("srv").write_text("a file where a folder should be")
    said = edgectl("deploy", "store-042")
    assert said.code == 6
    assert "why       host files: /srv/motd could not be written" in said.out
    assert "next      put right on the node what the reason names" in said.out


def test_a_node_that_cannot_write_says_so(node: StoreNode, edgectl: Edgectl) -> None:
    """An operating system that refuses is no bug of the engine: exit 5, its own words, where to look."""
    node.file("etc").write_text("a file where a folder should be")
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 5
    assert "this node cannot go on: " in said.document["message"]
    assert "/etc/systemd" in said.document["message"]
    assert "look at its disk" in said.document["hint"]


def test_a_store_that_serves_with_something_missing_is_exit_9(
    inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Degraded is a success that says what is missing."""
    declare(inventory, "thin")
    said = edgectl("deploy", "store-042")
    assert said.code == 9
    assert said.out.startswith("store-042 is DEGRADED. GPU-1 is dead. 1 change, ")
    assert Slots(node.places).candidate is None


def test_a_deploy_meets_another_ones(node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 7 says who and since when, what runs, and how to watch."""
    edgectl("deploy", "store-042")
    sender = {"user": "bob", "host": "desk", "key": ""}
    held = {"kind": "deploy", "run": "8f3a", "sender": sender, "since": "2026-11-21T13:02:11Z", "payload": "sha256:1"}
    with held_by(node, held):
        said = edgectl("deploy", "store-042")
        listed = edgectl("status", "store-042")
    assert said.code == 7
    assert "bob@desk deploys store-042 since 2026-11-21T13:02:11Z" in said.err
    assert "runs now: sequence 1; this deploy has changed nothing" in said.err
    assert "next: watch it: edgectl journal store-042 --follow" in said.err
    assert said.out == ""
    assert "now       a deploy by bob@desk since 2026-11-21T13:02:11Z" in listed.out


def test_a_heal_is_asked_to_step_aside(node: StoreNode, edgectl: Edgectl) -> None:
    """A deploy waits for it with a note, then goes first."""
    edgectl("deploy", "store-042")
    lock = Lock(node.places.run, {"kind": "heal", "sender": {"user": "edgectl", "host": "node-1"}})
    take(lock)

    def heal() -> None:
        deadline = time.monotonic() + 20
        while not (node.places.run / "yield").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)  # a step ends: the deploy has seen that one runs
        lock.release()

    healing = threading.Thread(target=heal)
    healing.start()
    said = edgectl("deploy", "store-042")
    healing.join(20)
    assert said.code == 0
    assert "note      a heal steps aside" in said.err


def test_a_deploy_that_meets_itself_attaches(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link broke after the engine was started and before its run was seen: coming back finds it."""
    payload = edgectl("deploy", "store-042", "-o", "json").document["payload"]
    me = {**to_json(sender()), "key": "SHA256:test"}
    lock = Lock(node.places.run, {"kind": "deploy", "run": "0a0a0a0a", "sender": me, "payload": payload})

    def end(run: journal.Journal) -> None:
        run.write(event.VERDICT, word="ready", data={"exit": 0})
        run.close()
        lock.release()

    def program(argv: Sequence[str], **more: Any) -> programs.Ran:
        if tuple(argv[:2]) == ("systemctl", "show") and lock.fd < 0:
            take(lock)
            run = journal.Journal(node.places.journal, "0a0a0a0a", "deploy")
            run.write(event.NOTE, reason="under way")
            threading.Timer(0.5, end, [run]).start()
        return node.program(argv, **more)

    monkeypatch.setattr(programs, "run", program)
    said = edgectl("deploy", "store-042", "-o", "json")
    lock.release()
    assert said.code == 0
    assert said.document["run"] == "0a0a0a0a"
    assert node.runs == 1


def test_a_store_of_another_name_is_refused(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 11: the node belongs to somebody, and stays as it is."""
    edgectl("deploy", "store-042")
    inventory.write_text(inventory.read_text().replace("store-042", "store-077"))
    said = edgectl("deploy", "store-077", "-o", "json")
    assert said.code == 11
    assert said.document["message"] == "this node belongs to store-042, not to store-077"
    assert "address in the inventory" in said.document["hint"]
    assert len(journals(node)) == 1


def test_a_full_disk_is_said_before_anything_changes(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 5: how much there is, how much is needed, and where."""
    full = type("Full", (), {"f_bavail": 1, "f_frsize": 512})()
    monkeypatch.setattr("os.statvfs", lambda _: full)
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 5
    assert "the disk has 0 MB free" in said.document["message"]
    assert "free space" in said.document["hint"]
    assert "runs now: nothing that was deployed; this deploy has changed nothing" in said.document["details"]
    assert journals(node) == []


def test_every_word_fits_80_columns_and_ascii(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal, colour or Unicode nothing is lost."""
    monkeypatch.setenv("NO_COLOR", "1")
    texts = [edgectl("deploy", "store-042")]
    declare(inventory, "bad")
    texts += [edgectl("plan", "store-042"), edgectl("deploy", "store-042"), edgectl("status", "store-042", "-v")]
    assert node.runs == 2
    for said in texts:
        assert (said.out + said.err).isascii()
        assert "\x1b" not in said.out + said.err
        wide = [line for line in (said.out + said.err).splitlines() if len(line) > 80 and "next" not in line]
        assert wide == []


def take(lock: Lock) -> None:
    """Take the node's lock: the engine says its verdict first, and then lets go."""
    deadline = time.monotonic() + 10
    while not lock.acquire():
        assert time.monotonic() < deadline


class held_by:  # noqa: N801 - reads as a statement
    """The node's lock in another one's hands."""

    def __init__(self, node: StoreNode, note: dict[str, Any]) -> None:
        self._lock = Lock(node.places.run, json.loads(json.dumps(note)))

    def __enter__(self) -> None:
        take(self._lock)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
