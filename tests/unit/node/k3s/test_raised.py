"""Before k3s goes to another version, what it has stored is copied aside, whole, while it runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.converge.slots import Slots
from edgectl.node.io.programs import Ran
from edgectl.node.k3s import saved
from edgectl.node.k3s.raised import K3sBinary
from edgectl.node.k3s.saved import KEEP
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from tests.unit.node.fake import FakeNode, ran

OLD, NEW = b"k3s v1.35", b"k3s v1.36"
STEP = K3sBinary("k3s-binary", "k3s binary", "k3s", "v1.36.3+k3s1", digest_of(NEW))


@pytest.fixture
def server(anothers: FakeNode) -> FakeNode:
    """Return the same once a deploy has made it ours."""
    slots, sender = Slots(anothers.places), Sender("ada", "laptop")
    slots.promote(slots.accept(Envelope("s", "node-1", STEP.digest, STEP.digest, "", 1, "now", sender)))
    return anothers


@pytest.fixture
def anothers(node: FakeNode) -> Iterator[FakeNode]:
    """Yield somebody else's server of an older minor version; its open datastore has rows that are only in its log."""
    node.places.blobs.mkdir(parents=True)
    node.places.blob(STEP.digest).write_bytes(NEW)
    program = node.places.root / "usr/local/bin/k3s"
    program.parent.mkdir(parents=True)
    program.write_bytes(OLD)
    stored = node.places.k3s_data / "server/db/state.db"
    stored.parent.mkdir(parents=True)
    (node.places.k3s_data / "server/token").write_text("K10abc::server:secret\n")
    node.on_run = lambda *_: ran("k3s version v1.35.7+k3s1 (abc)\ngo version go1.25\n")
    with closing(sqlite3.connect(stored)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kine (name TEXT)")
        database.execute("INSERT INTO kine VALUES ('/registry/pods/vision/inference')")
        database.commit()
        yield node


def kept(node: FakeNode, version: str = "v1.35.7+k3s1") -> Path:
    """Return where the copy lies."""
    return node.places.state / "backups" / version


def test_the_copy_is_whole_and_of_root_alone(server: FakeNode) -> None:
    """Rows that lie in the write-ahead log are in it; token beside it; then the new binary is there."""
    STEP.apply(server, STEP.probe(server))
    with closing(sqlite3.connect(kept(server) / "state.db")) as copy:
        assert copy.execute("SELECT name FROM kine").fetchall() == [("/registry/pods/vision/inference",)]
    assert (kept(server) / "token").read_text() == "K10abc::server:secret\n"
    modes = [(kept(server) / name).stat().st_mode & 0o777 for name in ("state.db", "token")]
    assert (kept(server).stat().st_mode & 0o777, modes) == (0o700, [0o600, 0o600])
    assert STEP.probe(server).status is Status.CURRENT


def test_a_patch_version_is_kept_too(server: FakeNode) -> None:
    """What a newer patch breaks can be put back by a person; why it was copied stands beside it."""
    server.on_run = lambda *_: ran("k3s version v1.36.1+k3s2 (abc)")
    seen = STEP.probe(server)
    assert (seen.status, seen.reason) == (Status.DRIFTED, "k3s is v1.36.1+k3s2")
    STEP.apply(server, seen)
    why = json.loads((kept(server, "v1.36.1+k3s2") / "why.json").read_text())
    assert why["why"] == "before v1.36.3+k3s1"
    assert STEP.probe(server).status is Status.CURRENT


@pytest.mark.parametrize("says", ["k3s version v1.36.3+k3s1 (abc)", "", "Segmentation fault"])
def test_another_build_of_the_same_version_needs_none(server: FakeNode, says: str) -> None:
    """It reads what it has written; what cannot say its version is only replaced."""
    server.on_run = lambda *_: ran(says)
    STEP.apply(server, STEP.probe(server))
    assert not (server.places.state / "backups").exists()
    assert STEP.probe(server).status is Status.CURRENT


def _newer_that_never_served(server: FakeNode) -> Path:
    """Leave the node as a minor version that did not come up leaves it: the datastore changed, the copy beside."""
    server.on_run = lambda *_: ran("k3s version v1.36.3+k3s1 (abc)")
    folder = saved.save(server, "v1.36.3+k3s1", "before v1.37.1+k3s1")
    assert folder is not None
    stored = server.places.k3s_data / "server/db/state.db"
    with closing(sqlite3.connect(stored)) as database:
        database.execute("UPDATE kine SET name = 'changed by a newer k3s'")
        database.commit()
    server.on_run = lambda *_: ran("k3s version v1.37.1+k3s1 (abc)")
    return stored


def _names(stored: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(stored)) as database:
        return database.execute("SELECT name FROM kine").fetchall()


def test_an_older_minor_version_comes_back_with_its_datastore(server: FakeNode) -> None:
    """k3s is stopped first, and what the newer one has written goes; it is said before; the binary is the last."""
    stored = _newer_that_never_served(server)
    token = server.places.k3s_data / "server/token"
    token.write_text("K10abc::server:of a newer day\n")
    seen = STEP.probe(server)
    assert "k3s is v1.37.1+k3s1; a minor version cannot go back on what it has stored" in seen.reason
    STEP.apply(server, seen)
    assert ("systemctl", "stop", "k3s.service") in server.changes
    assert _names(stored) == [("/registry/pods/vision/inference",)]
    assert token.read_text() == "K10abc::server:secret\n", "with what the datastore is sealed"
    assert token.stat().st_mode & 0o777 == 0o600
    assert STEP.probe(server).status is Status.CURRENT


@pytest.mark.parametrize("after", ["stop", "logs", "copy"])
def test_a_kill_on_the_way_back_is_gone_on_with(server: FakeNode, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was done already: the newer binary is still there, so all of it is done again."""
    stored, real = _newer_that_never_served(server), server.copy

    def copy(source: Path, path: Path, *, mode: int) -> None:
        if after == "copy" and path == stored:
            real(source, path, mode=mode)
        if path == stored:
            raise KeyboardInterrupt  # no Exception: a kill is caught by nobody
        real(source, path, mode=mode)

    def remove(path: Path) -> None:
        del path
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(server, "copy", copy)
        if after == "stop":
            patch.setattr(server, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            STEP.apply(server, STEP.probe(server))
    assert STEP.probe(server).status is Status.DRIFTED
    STEP.apply(server, STEP.probe(server))
    assert _names(stored) == [("/registry/pods/vision/inference",)]
    assert STEP.probe(server).status is Status.CURRENT


def test_without_a_copy_nothing_older_comes_back(server: FakeNode) -> None:
    """A newer minor version with nothing kept from before stays, and it says why."""
    server.on_run = lambda *_: ran("k3s version v1.37.1+k3s1 (abc)")
    with pytest.raises(ApplyFailed, match=r"v1\.37\.1\+k3s1 stays: v1\.36\.3\+k3s1 cannot read what it has stored"):
        STEP.apply(server, STEP.probe(server))


def test_an_embedded_etcd_is_asked_for_its_own_snapshot(server: FakeNode) -> None:
    """Its files are never copied by hand; where k3s makes no snapshot, it stays."""
    db = server.places.k3s_data / "server/db"
    for file in db.iterdir():
        file.unlink()
    (db / "etcd").mkdir()
    with pytest.raises(ApplyFailed, match="k3s has made no snapshot of its etcd"):
        STEP.apply(server, STEP.probe(server))

    def run(*argv: str) -> Ran:
        if "etcd-snapshot" in argv:
            (Path(argv[-1]) / "edgectl-node-1-1764300000").touch()
        return ran()

    server.on_change = run
    STEP.apply(server, STEP.probe(server))
    assert {file.name for file in kept(server).iterdir()} == {"edgectl-node-1-1764300000", "token", "why.json"}


def test_without_a_copy_k3s_stays(server: FakeNode) -> None:
    """A damaged datastore, or a disk that takes no copy: nothing is raised, and it says why."""
    for file in (server.places.k3s_data / "server/db").iterdir():
        file.unlink()
    (server.places.k3s_data / "server/db/state.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(ApplyFailed, match="k3s stays: its datastore could not be copied first: file is not a database"):
        STEP.apply(server, STEP.probe(server))
    assert STEP.probe(server).status is Status.DRIFTED
    assert list(kept(server).iterdir()) == []


def test_two_are_kept(server: FakeNode) -> None:
    """They do not fill the disk."""
    for minor in range(30, 34):
        server.on_run = lambda *_, minor=minor: ran(f"k3s version v1.{minor}.1+k3s1 (abc)")
        STEP.apply(server, STEP.probe(server))
    assert len(list((server.places.state / "backups").iterdir())) == KEEP
    assert kept(server, "v1.33.1+k3s1").is_dir()


def test_an_agent_has_none(server: FakeNode) -> None:
    """No datastore, no copy."""
    (server.places.k3s_data / "server/db/state.db").unlink()
    STEP.apply(server, STEP.probe(server))
    assert not (server.places.state / "backups").exists()


def _moved(node: FakeNode, path: str, unit: str = "etc/systemd/system/k3s.service") -> Path:
    """Let the program lie somewhere else, where the unit starts it."""
    program = node.places.root / path.lstrip("/")
    program.parent.mkdir(parents=True, exist_ok=True)
    (node.places.root / "usr/local/bin/k3s").rename(program)
    file = node.places.root / unit
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[Service]\nExecStartPre=-/sbin/modprobe overlay\nExecStart={path} \\\n    server\n")
    node.on_run = lambda *argv: ran("k3s version v1.35.7+k3s1 (abc)" if argv[0] == str(program) else "")
    return program


@pytest.mark.parametrize("path", ["/usr/bin/k3s", "/opt/rancher/k3s"])
def test_what_somebody_else_has_stored_is_copied_wherever_his_k3s_lies(anothers: FakeNode, path: str) -> None:
    """Law: nothing of a stranger's is raised without its copy."""
    _moved(anothers, path)
    seen = STEP.probe(anothers)
    assert seen.reason == "k3s is v1.35.7+k3s1"
    STEP.apply(anothers, seen)
    assert _names(kept(anothers) / "state.db") == [("/registry/pods/vision/inference",)]
    assert STEP.probe(anothers).status is Status.CURRENT


@pytest.mark.parametrize(
    ("says", "name"), [("k3s version v1.36.3+k3s1 (abc)", "v1.36.3+k3s1"), ("Segmentation fault", "taken-over")]
)
def test_it_is_copied_whatever_its_version(anothers: FakeNode, says: str, name: str) -> None:
    """Also where it is the declared one in another build, or is not known: who made it had no backups of ours."""
    anothers.on_run = lambda *_: ran(says)
    STEP.apply(anothers, STEP.probe(anothers))
    assert _names(kept(anothers, name) / "state.db") == [("/registry/pods/vision/inference",)]


def test_somebody_elses_etcd_is_asked_by_his_own_k3s(anothers: FakeNode) -> None:
    """Ours is not there yet."""
    program = _moved(anothers, "/usr/bin/k3s")
    db = anothers.places.k3s_data / "server/db"
    for file in db.iterdir():
        file.unlink()
    (db / "etcd").mkdir()

    def run(*argv: str) -> Ran:
        (Path(argv[-1]) / "edgectl-node-1-1764300000").touch()
        return ran() if argv[0] == str(program) else ran(code=1)

    anothers.on_change = run
    STEP.apply(anothers, STEP.probe(anothers))
    assert (kept(anothers) / "edgectl-node-1-1764300000").exists()


def test_a_store_of_ours_looks_at_its_own_k3s_alone(server: FakeNode) -> None:
    """What a person has installed beside it since, of whatever version, holds nothing up when ours is gone."""
    program = _moved(server, "/usr/bin/k3s")
    server.on_run = lambda *argv: ran("k3s version v1.40.0+k3s1 (abc)" if argv[0] == str(program) else "")
    STEP.apply(server, STEP.probe(server))
    assert STEP.probe(server).status is Status.CURRENT
