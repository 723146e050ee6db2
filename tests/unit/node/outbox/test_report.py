"""What runs of the engine leave to be told; and that a run ends the same where nothing can be left."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import engine, pause
from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock
from edgectl.node.outbox import report
from edgectl.node.outbox.queue import BEAT, JOURNAL, VERDICT, Entry, entries
from edgectl.node.request import DEPLOY, HEAL
from edgectl.wire.beat import Beat, decode
from edgectl.wire.errors import Exit
from tests.unit.node.fake import FakeNode
from tests.unit.node.faults import Disk
from tests.unit.node.k3s.test_certificates import pem
from tests.unit.node.test_engine import App, Store


def made(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a bare node whose recipe is one app."""
    found = Store(node, node.places)
    monkeypatch.setattr(engine, "Look", lambda *_, **__: node)
    monkeypatch.setattr(engine, "Hands", lambda *_, **__: node)
    monkeypatch.setattr(report, "Look", lambda *_, **__: node)
    monkeypatch.setattr(engine, "recipe", lambda payload, _, **__: (App(node, payload.title), *found.extra))
    monkeypatch.setattr(engine, "_LOCK_TRIES", 1)
    monkeypatch.setattr("edgectl.node.engine.time.sleep", lambda _: None)
    return found


@pytest.fixture
def store(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return it."""
    return made(node, monkeypatch)


def waiting(store: Store) -> list[str]:
    """Return the kinds of what waits, in order."""
    return [entry.kind for entry in entries(store.places.outbox)]


def beat(store: Store) -> Beat:
    """Return the newest beat."""
    return decode(newest(store, BEAT).read())


def newest(store: Store, kind: str) -> Entry:
    """Return the newest entry of a kind."""
    return [entry for entry in entries(store.places.outbox) if entry.kind == kind][-1]


def verdict(store: Store) -> dict[str, Any]:
    """Return the newest verdict."""
    doc = json.loads(newest(store, VERDICT).read())
    assert isinstance(doc, dict)
    return doc


def test_a_deploy_leaves_all_three(store: Store) -> None:
    """Its verdict, its journal, and how the store stands since."""
    store.deploy("v1")
    assert waiting(store) == [VERDICT, JOURNAL, BEAT]
    said = beat(store)
    assert (said.store, said.node, said.runs, said.next, said.word, said.why) == (
        "store-042",
        "node-1",
        1,
        0,
        "ready",
        "",
    )
    assert (said.n, said.boot, said.gpus) == (3, "6e5dc6", 0)
    told = verdict(store)
    assert (told["word"], told["kind"], told["promoted"], told["n"], told["box"]) == (
        "ready",
        "deploy",
        True,
        1,
        said.box,
    )
    own = journal.runs(store.places.journal)[0].read_bytes()
    assert gzip.decompress(newest(store, JOURNAL).read()) == own
    assert b'"verdict"' in own.splitlines()[-1]


def test_a_heal_that_finds_the_same_is_a_beat(store: Store) -> None:
    """Law: 288 heals a day leave two beats behind, the first that says so and the newest."""
    store.deploy("v1")
    for _ in range(5):
        store.run()
    assert waiting(store) == [VERDICT, JOURNAL, BEAT, BEAT]
    assert beat(store).n == 8


def test_a_deploy_of_the_same_is_a_beat(store: Store) -> None:
    """Law: a thousand deploys that change nothing grow nothing; one that fails again is told again."""
    store.deploy("v1")
    for _ in range(3):
        store.run(DEPLOY)
    assert waiting(store) == [VERDICT, JOURNAL, BEAT, BEAT]
    for _ in range(2):
        store.deploy("v2-bad")
    assert [kind for kind in waiting(store) if kind == VERDICT] == [VERDICT] * 3


def test_a_repair_is_news(store: Store) -> None:
    """What a heal has changed is told with its journal."""
    store.deploy("v1")
    store.node.write(store.places.root / "app", "changed by hand")
    store.run()
    assert verdict(store)["changed"] == ["app"]
    assert newest(store, JOURNAL).run == verdict(store)["run"]


def test_a_store_that_gets_worse_is_news_once(store: Store) -> None:
    """Law: the change of a word is told; that it stays so is a beat. Beats at changes are kept."""
    store.deploy("v1-bad")
    assert (beat(store).word, beat(store).why, verdict(store)["exit"]) == ("not ready", "app", int(Exit.FAILED))
    before = len([kind for kind in waiting(store) if kind == VERDICT])
    for _ in range(3):
        store.run()
    assert len([kind for kind in waiting(store) if kind == VERDICT]) == before


def test_a_reason_that_a_beat_has_no_room_for_is_news_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a cut reason is no other reason: a store that stays degraded fills no outbox with journals."""
    step = "workload-" + "nvidia-device-plugin-" * 4
    monkeypatch.setattr(report, "_why", lambda _: step)
    store.deploy("v1-bad")
    assert 0 < len(beat(store).why) < len(step)
    before = len([kind for kind in waiting(store) if kind == VERDICT])
    for _ in range(3):
        store.run()
    assert len([kind for kind in waiting(store) if kind == VERDICT]) == before


def test_after_a_rejected_deploy_the_store_stands_as_before(store: Store) -> None:
    """The verdict is the deploy's, the beat is the store's."""
    store.deploy("v1")
    store.deploy("v2-bad")
    assert verdict(store)["returned"]["word"] == "ready"
    assert (beat(store).word, beat(store).runs) == ("ready", 1)


def test_evidence_stays_in_the_journal(store: Store) -> None:
    """A verdict is small: what was read word for word travels with the journal, if that does."""
    store.deploy("v1-bad")
    assert "evidence" not in verdict(store)
    assert b"out of memory" in gzip.decompress(newest(store, JOURNAL).read())


def test_a_pause_is_told(store: Store) -> None:
    """A store that heals nothing says why, every time it would have; whoever holds the node meanwhile tells."""
    store.deploy("v1")
    pause.begin(store.places, who="ada", why="camera", seconds=3600)
    store.run()
    assert (beat(store).word, beat(store).why, beat(store).runs) == ("paused", "pause", 1)
    n = beat(store).n
    with Lock(store.places.run, {}) as lock:
        assert lock.acquire()
        store.run()
    assert beat(store).n == n
    pause.end(store.places)
    store.run()
    assert (beat(store).word, verdict(store)["kind"]) == ("ready", HEAL)


def test_a_bare_node_has_nothing_to_tell(store: Store) -> None:
    """No store, no beat."""
    store.run()
    pause.begin(store.places, who="ada", why="camera", seconds=3600)
    store.run()
    assert waiting(store) == []


def test_since_when_is_no_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: for how long is counted in this boot, whatever the wall clock does; another word begins anew."""
    up = [1000.5]
    monkeypatch.setattr(store.node, "up_seconds", lambda: up[0], raising=False)
    store.deploy("v1")
    assert (beat(store).held, beat(store).up) == (0, 1000)
    up[0] = 1300.9
    store.run()
    assert (beat(store).held, beat(store).up) == (300, 1300)
    pause.begin(store.places, who="ada", why="camera", seconds=3600)
    store.run()
    assert beat(store).held == 0
    up[0] = 20.0  # another boot: the note on tmpfs may be there (a container's), it says nothing
    pause.end(store.places)
    store.run()
    assert beat(store).held == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: place.write_bytes(b"a file where the folder should be"),
        lambda place: (place.mkdir(parents=True), (place / "0000000007-9f3c-beat").write_bytes(b"torn\xff")),
        lambda place: (place.mkdir(parents=True), (place / "0000000007-9f3c-beat").mkdir()),
        lambda place: (place.mkdir(parents=True), (place / "0000000007-9f3c-beat").symlink_to("/nowhere")),
        lambda place: place.symlink_to("/proc/nowhere"),
    ],
    ids=["no folder", "torn", "folder", "link to nowhere", "folder is a link to nowhere"],
)
def test_a_spoilt_outbox_changes_no_run(store: Store, spoil: Any) -> None:
    """Law: the same exit, the same slots, the same journal, whatever the outbox is like."""
    store.places.state.mkdir(parents=True, exist_ok=True)
    spoil(store.places.outbox)
    assert store.deploy("v1") == Exit.OK
    assert store.run() == Exit.OK
    assert store.slots == (None, 1)
    assert store.verdict()["word"] == "ready"


@pytest.mark.parametrize("title", ["v1", "v1-bad"])
def test_a_disk_that_fails_under_it_changes_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    """Law: each operation of the report fails once, and the run ends as without a report.

    Seeded: a report that lets an OSError through.
    """
    real = report.report
    at = 0
    while True:
        folder = tmp_path / str(at)
        folder.mkdir()
        store = made(FakeNode(folder), monkeypatch)
        disk = Disk(at, kill=False)

        def failing(*args: Any, disk: Disk = disk) -> None:
            with disk.armed():
                real(*args)

        monkeypatch.setattr(engine, "report", failing)
        code = store.deploy(title)
        assert code == (Exit.OK if title == "v1" else Exit.FAILED)
        assert store.verdict()["word"] == ("ready" if title == "v1" else "not ready")
        monkeypatch.setattr(engine, "report", real)
        store.run()  # and the next one tells
        assert beat(store).word == ("ready" if title == "v1" else "not ready")
        if not disk.reached:
            assert at > 10
            return
        shutil.rmtree(folder)
        at += 1


def test_a_word_from_before_is_no_memory(store: Store) -> None:
    """Law: nothing that a run decides is read from the outbox; without it the same happens."""
    store.deploy("v1")
    shutil.rmtree(store.places.outbox)
    assert store.run() == Exit.OK
    assert waiting(store) == [VERDICT, JOURNAL, BEAT]  # news, as far as anybody knows


def test_how_long_its_certificates_are_good(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that ends counts, authorities do not; none, and one that cannot be read, is a beat without the word."""
    monkeypatch.setattr("edgectl.node.outbox.report.time.time", lambda: 1_800_000_000.0 - 86400 * 9.5)
    store.deploy("v1")
    assert beat(store).cert == -1
    tls = store.places.k3s_data / "server/tls"
    tls.mkdir(parents=True)
    for name, ends in (
        ("serving.crt", datetime(2030, 1, 15, 8, tzinfo=UTC)),
        ("client-admin.crt", datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ("server-ca.crt", datetime(2026, 2, 1, tzinfo=UTC)),
    ):
        (tls / name).write_text(pem(ends))
    store.deploy("v2")
    assert beat(store).cert == 9
    assert b" cert=9" in newest(store, BEAT).read()
    (tls / "client-admin.crt").write_text(pem(datetime(2026, 2, 1, tzinfo=UTC)))
    store.deploy("v3")
    assert beat(store).cert == 0
    for path in tls.iterdir():
        path.write_text("torn")
    store.deploy("v4")
    assert beat(store).cert == -1
