"""Before k3s goes to another minor version, what it has stored is copied aside, whole, while it runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.k3s.raised import KEEP, K3sBinary
from edgectl.wire.document import digest_of
from tests.unit.node.fake import FakeNode, ran

OLD, NEW = b"k3s v1.35", b"k3s v1.36"
STEP = K3sBinary("k3s-binary", "k3s binary", "k3s", "v1.36.3+k3s1", digest_of(NEW))


@pytest.fixture
def server(node: FakeNode) -> Iterator[FakeNode]:
    """Yield a server of an older minor version whose datastore is open and has rows that are only in its log."""
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


@pytest.mark.parametrize("says", ["k3s version v1.36.1+k3s2 (abc)", "", "Segmentation fault"])
def test_a_patch_version_needs_none(server: FakeNode, says: str) -> None:
    """Within a minor version k3s reads what it has written; what cannot say its version is only replaced."""
    server.on_run = lambda *_: ran(says)
    STEP.apply(server, STEP.probe(server))
    assert not (server.places.state / "backups").exists()
    assert STEP.probe(server).status is Status.CURRENT


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
