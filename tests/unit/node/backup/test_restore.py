"""What was backed up is there again, on a fresh machine alone, and whoever is killed begins anew."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.backup import restore
from edgectl.node.backup.take import take
from edgectl.node.io.files import sha256_of
from edgectl.node.io.places import Places
from edgectl.wire.errors import NotReady, Refused, UsageError
from edgectl.wire.frame import FrameError, Frames
from tests.unit.node.backup.server import NOW, ROW, VERSION, deployed, names, server


@dataclass
class Case:
    """A backup, and the machine that it is for."""

    backup: Path
    fresh: Places

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
            piece, rest = rest[:count], rest[count:]
            return piece

        restore.answer(self.fresh, Frames(read, write), {**frame, **about})
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


def test_nothing_is_written_through_a_link(case: Case, tmp_path: Path) -> None:
    """A part that somebody has laid there as a link is not followed."""
    digest = (sha256_of(case.backup) or "").removeprefix("sha256:")
    case.fresh.staging.mkdir(parents=True)
    (case.fresh.staging / f"{digest}.backup").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=os.strerror(40)):
        case.ask()
    assert not (tmp_path / "elsewhere").exists()
