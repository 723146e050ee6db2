"""What was backed up is there again, on a fresh machine alone, and whoever is killed begins anew."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import sending
from edgectl.node.backup import restore
from edgectl.node.backup.take import take
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.io.files import sha256_of
from edgectl.node.io.places import Places
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Locked, NotReady, Refused, UsageError
from edgectl.wire.frame import FrameError, Frames
from tests.unit.node.backup.server import NOW, ROW, VERSION, deployed, names, server


@dataclass
class Case:
    """A backup, and the machine that it is for."""

    backup: Path
    fresh: Places
    patience: float = 0.0  # with who sends, at the last read

    def ask(self, *, cut: int | None = None, data: bytes | None = None, **about: Any) -> list[dict[str, Any]]:
        """Ask the machine to put it back, over a link that may end after so many bytes."""
        content = self.backup.read_bytes() if data is None else data
        said: list[dict[str, Any]] = []
        digest = sha256_of(self.backup)
        frame = {"store": "store-042", "node": "node-1", "k3s": VERSION, "digest": digest, "size": len(content)}
        rest = b""

        def write(line: bytes) -> None:
            nonlocal rest
            heard = json.loads(line)
            said.append(heard)
            if heard["op"] == "want":
                left = content[heard["have_bytes"] :]
                rest = b'{"op":"rest","bytes":%d}\n' % len(left) + (left if cut is None else left[:cut])

        def read(count: int) -> bytes:
            nonlocal rest
            self.patience = frames.patience_seconds
            piece, rest = rest[:count], rest[count:]
            return piece

        frames = Frames(read, write)
        restore.answer(self.fresh, frames, {**frame, **about})
        return said


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """Yield a backup of store-042 and a bare machine."""
    with server(tmp_path / "old", monkeypatch) as places:
        backup = take(places, NOW)
        yield Case(backup, Places(tmp_path / "fresh"))


def test_the_cluster_is_what_it_was(case: Case) -> None:
    """Datastore, token, CA and the node's own password are there, of root alone; asked again, nothing happens."""
    assert [one["op"] for one in case.ask()] == ["want", "restored"]
    server_of = case.fresh.k3s_data / "server"
    assert names(server_of / "db/state.db") == [ROW]
    assert (server_of / "token").read_text() == "K10abc::server:secret\n"
    assert (server_of / "tls/server-ca.key").read_text() == "the CA's key"
    assert (case.fresh.root / "etc/rancher/node/password").read_text() == "node-1's own"
    modes = {path.stat().st_mode & 0o777 for path in server_of.rglob("*") if path.is_file()}
    assert modes == {0o600}
    (server_of / "db/state.db").write_text("k3s has gone on")
    assert case.ask()[-1] == {"op": "restored", "again": True}
    assert (server_of / "db/state.db").read_text() == "k3s has gone on"


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"store": "store-043"}, "this is a backup of store-042, and not of store-043"),
        ({"node": "node-2"}, "this is a backup of store-042/node-1, and not of store-042/node-2"),
        ({"k3s": "v1.36.2+k3s1"}, r"the backup is of k3s v1.36.3\+k3s1, and the inventory declares the older"),
        ({"k3s": "v1.9.9+k3s1"}, "the older"),
        ({"k3s": "v1.38.0+k3s1"}, r"of k3s v1.36.3\+k3s1, and v1.38.0\+k3s1 is more than one minor version further"),
        ({"k3s": "v1.36.3-rc1+k3s1"}, "the older"),
        ({"k3s": "1.36.3"}, "one of them is no version of k3s"),
    ],
)
def test_what_is_not_its_own_is_refused_by_name(case: Case, about: dict[str, Any], why: str) -> None:
    """Nothing of it is left on the machine where k3s would find it."""
    with pytest.raises(Refused, match=why):
        case.ask(**about)
    assert not (case.fresh.k3s_data / "server").exists()
    assert not case.fresh.restored.exists()


def test_a_newer_k3s_may_read_it(case: Case) -> None:
    """Going forward is what k3s does."""
    assert case.ask(k3s="v1.37.0+k3s1")[-1]["op"] == "restored"


def test_a_machine_with_a_cluster_is_left_alone(case: Case) -> None:
    """Somebody else's k3s, or a store that runs."""
    foreign = case.fresh.k3s_data / "server/db/state.db"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("theirs")
    with pytest.raises(Refused, match="there is a cluster on this node"):
        case.ask()
    assert foreign.read_text() == "theirs"
    shutil.rmtree(case.fresh.k3s_data)
    deployed(case.fresh, 1)
    with pytest.raises(Refused, match="this node runs what was deployed to it"):
        case.ask()


def test_a_link_that_dies_goes_on_where_it_was(case: Case) -> None:
    """What has come is asked for no more."""
    size = case.backup.stat().st_size
    with pytest.raises(FrameError):
        case.ask(cut=size // 2)
    assert case.ask()[0] == {"op": "want", "have_bytes": size // 2}
    assert names(case.fresh.k3s_data / "server/db/state.db") == [ROW]
    assert list(case.fresh.staging.iterdir()) == []


def test_other_bytes_are_thrown_away(case: Case) -> None:
    """The same command then sends them anew."""
    data = bytearray(case.backup.read_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(NotReady, match="arrived with other bytes"):
        case.ask(data=bytes(data))
    assert case.ask()[0] == {"op": "want", "have_bytes": 0}
    with pytest.raises(UsageError):
        case.ask(digest="sha256:../../etc/passwd")


@pytest.mark.parametrize("at", ["_unpacked", "_identity", "_sync", "sync_dir", "write_atomic"])
def test_killed_anywhere_the_same_question_goes_on(case: Case, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """A cluster that is half there is never taken for one."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as one:
        one.setattr(restore, at, killed)
        with pytest.raises(KeyboardInterrupt):
            case.ask()
    assert case.ask()[-1]["op"] == "restored"
    assert names(case.fresh.k3s_data / "server/db/state.db") == [ROW]
    assert case.fresh.restored.exists()


def during(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once while a backup is unpacked."""
    sync, left = restore._sync, [happens]

    def synced(folder: Path) -> None:
        sync(folder)
        if left:
            left.pop()()

    monkeypatch.setattr(restore, "_sync", synced)


def test_nobody_else_comes_near_until_it_is_put_back(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: neither a second one nor a deploy begins while it is unpacked; what is put back is whole."""
    met: list[str] = []

    def others() -> None:
        deploy = Envelope("store-042", "node-1", "sha256:a", "sha256:e", "", 1, "", Sender("ada", "laptop"))
        for begins in (lambda: case.ask(who="grace@desk"), lambda: sending.hold(case.fresh, deploy)):
            with pytest.raises(Locked, match="ada@laptop sends to this store since") as told:
                begins()
            met.append(str(told.value))

    during(monkeypatch, others)
    assert case.ask(who="ada@laptop")[-1] == {"op": "restored", "again": False}
    assert len(met) == 2
    assert case.patience < 20  # with a sender whose line is dead
    assert names(case.fresh.k3s_data / "server/db/state.db") == [ROW]
    assert (case.fresh.k3s_data / "server/tls/server-ca.key").read_text() == "the CA's key"
    assert holder(case.fresh.run / "sending") is None


@pytest.mark.parametrize("what", ["k3s", "a deploy"])
def test_a_cluster_that_has_come_meanwhile_is_left_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Law: whether the machine is fresh is asked again when all is unpacked, just before anything is taken away."""
    theirs = case.fresh.k3s_data / "server/db/state.db"

    def begins() -> None:
        theirs.parent.mkdir(parents=True)
        theirs.write_text("theirs")
        if what == "a deploy":
            deployed(case.fresh, 1)

    during(monkeypatch, begins)
    with pytest.raises(Refused, match="there is a cluster on this node" if what == "k3s" else "runs what was deployed"):
        case.ask()
    assert theirs.read_text() == "theirs"
    assert not case.fresh.restored.exists()
    assert [path.name for path in case.fresh.k3s_data.iterdir()] == ["server"]


def test_an_own_session_that_the_line_has_left_behind_gives_way(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the same person with the same backup is not locked out by a session that has died without knowing it."""
    digest, me = sha256_of(case.backup), to_json(Sender("ada", "laptop"))
    left = Lock(case.fresh.run / "sending", {"sender": me, "payload": digest, "ahead": False, "pid": 4242})
    assert left.acquire()
    monkeypatch.setattr("edgectl.node.sending.os.kill", lambda pid, _: left.release() if pid == 4242 else None)
    monkeypatch.setattr("edgectl.node.sending.time.sleep", lambda _: None)
    assert case.ask(who="ada@laptop")[-1] == {"op": "restored", "again": False}


def test_a_deploy_that_runs_is_not_met_by_a_backup(case: Case) -> None:
    """Law: an engine that is about to start k3s for the first time has come first."""
    note = {"kind": "deploy", "run": "1", "sender": to_json(Sender("grace", "desk")), "payload": "sha256:a"}
    with Lock(case.fresh.run, note) as runs:
        assert runs.acquire()
        with pytest.raises(Locked, match="grace@desk deploys store-042"):
            case.ask(who="ada@laptop")
    assert not case.fresh.k3s_data.exists()


def test_nothing_is_written_through_a_link(case: Case, tmp_path: Path) -> None:
    """A part that somebody has laid there as a link is not followed."""
    digest = (sha256_of(case.backup) or "").removeprefix("sha256:")
    case.fresh.staging.mkdir(parents=True)
    (case.fresh.staging / f"{digest}.backup").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=os.strerror(40)):
        case.ask()
    assert not (tmp_path / "elsewhere").exists()
