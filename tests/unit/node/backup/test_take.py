"""A backup is whole or none, of root alone, and there are never more than was asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edgectl.node.backup import take as taking
from edgectl.node.backup.forget import forget
from edgectl.node.backup.kept import kept, moments, named, prune
from edgectl.node.backup.take import take
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.k3s import copied
from edgectl.wire.backup import CA, TOKEN, cluster_of, name_of, read_manifest, verify
from edgectl.wire.document import digest_of
from edgectl.wire.errors import Locked, NotReady, Refused, UsageError
from tests.unit.node.backup.server import NOW, VERSION, deployed, server
from tests.unit.node.fake import FakeNode


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Yield a server of store-042."""
    with server(tmp_path, monkeypatch) as found:
        yield found


def test_it_says_whose_it_is_and_names_every_file(places: Places) -> None:
    """Store, node, sequence, version; the CA's key, token and both passwords are in it, what k3s makes anew is not."""
    path = take(places, NOW)
    manifest = verify(path)
    cluster = cluster_of(digest_of(b"the CA"))
    assert (manifest.cluster, path.name) == (cluster, f"20261128T051055Z-s7-c{cluster}.backup")
    said = (manifest.store, manifest.node, manifest.sequence, manifest.k3s, manifest.datastore)
    assert said == ("store-042", "node-1", 7, VERSION, "sqlite")
    assert manifest == read_manifest(path)
    assert manifest.slots == {"current": "7"}
    inside = {name for name in manifest.files if not name.startswith("state/blobs/")}
    assert inside == {
        *("server/db/state.db", TOKEN, "server/tls/server-ca.key", "server/tls/server-ca.crt"),
        *("server/cred/passwd", "etc/node/password", "state/slots/7/envelope.json"),
    }
    assert (path.stat().st_mode & 0o777, places.saved.stat().st_mode & 0o777) == (0o600, 0o700)
    assert sorted(file.name for file in places.saved.iterdir()) == [".lock", path.name]


def test_as_many_stay_as_were_asked_for(places: Places) -> None:
    """The newest; what a kill has left half is no backup, and goes."""
    half = places.saved / ".20261127T000000Z-s7.backup.edgectl-new"
    half.parent.mkdir()
    half.write_bytes(b"half")
    made = [take(places, NOW + timedelta(days=day)) for day in range(4)]
    assert kept(places) == [made[3], made[2]]
    assert not half.exists()
    prune(places, 0, made[3])
    assert kept(places) == [made[3]], "the newest one stays, whatever is asked for"
    assert named(places, made[3].name) == made[3]
    with pytest.raises(UsageError, match="this node has no backup x"):
        named(places, "x")


def test_another_cluster_takes_nothing_from_its_forerunner(places: Places) -> None:
    """Law: a store that was made anew counts from 1 again; its backups stay all the same, and so do those before it.

    Nor does one of the former cluster say that the new one has a backup.
    """
    former = [take(places, NOW + timedelta(days=day)) for day in range(2)]
    assert len(moments(places)) == 2
    (places.k3s_data / CA).write_text("the CA of another cluster")
    assert moments(places) == []
    shutil.rmtree(places.slots)
    deployed(places, 1)
    made = [take(places, NOW + timedelta(days=2 + day)) for day in range(3)]
    assert [path.exists() for path in made] == [False, True, True]
    assert kept(places) == [*reversed(made[1:]), *reversed(former)]
    assert len(moments(places)) == 2


def test_what_was_just_written_stays(places: Places) -> None:
    """Law: whatever stands beside it under its cluster's name."""
    cluster = cluster_of(digest_of(b"the CA"))
    places.saved.mkdir()
    for day in (1, 2, 3):
        (places.saved / name_of(f"2099010{day}T000000Z", 900 + day, cluster)).touch()
    made = take(places, NOW)
    assert made.exists()
    assert len(kept(places)) == 2


@pytest.mark.parametrize("at", ["copy_database", "copy_atomic", "verify", "sync_dir"])
def test_an_interrupted_one_is_never_taken_for_one(places: Places, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Killed at any moment, what lies there under a backup's name is whole."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for module in (copied, taking):
        if hasattr(module, at):
            monkeypatch.setattr(module, at, killed)
    with pytest.raises(KeyboardInterrupt):
        take(places, NOW)
    monkeypatch.undo()
    assert [verify(path).store for path in kept(places)] in ([], ["store-042"])
    assert at == "sync_dir" or kept(places) == []


def test_what_stands_in_its_way_is_said(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, another backup, a node that follows, a machine without a cluster: one sentence each."""
    with monkeypatch.context() as full:
        full.setattr(Hands, "free_bytes", lambda *_: 1_000_000)
        with pytest.raises(NotReady, match=r"no backup: 1 MB are free in .*, and 26\d MB are needed"):
            take(places, NOW)
    with taking._alone(places), pytest.raises(Locked, match="another backup is being taken"):
        take(places, NOW)
    (places.k3s_data / TOKEN).unlink()
    with pytest.raises(NotReady, match="there is no cluster on this node"):
        take(places, NOW)
    deployed(places, 8, node="node-2")
    with pytest.raises(Refused, match="node-2 follows node-1, and the cluster lies there"):
        take(places, NOW)
    assert kept(places) == []


def test_a_bare_machine_has_none(tmp_path: Path) -> None:
    """Nothing was ever deployed."""
    with pytest.raises(NotReady, match="nothing has been deployed"):
        take(Places(tmp_path), NOW)


def test_what_is_read_back_wrong_is_no_backup(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that loses bytes is found before the file has its name."""
    real = taking._write

    def torn(new: Path, *more: object) -> None:
        real(new, *more)  # type: ignore[arg-type]
        os.truncate(new, new.stat().st_size // 2)

    monkeypatch.setattr(taking, "_write", torn)
    with pytest.raises(NotReady, match="the backup could not be read back"):
        take(places, NOW)
    assert kept(places) == []


def test_a_dead_node_is_forgotten_and_a_living_one_is_not(node: FakeNode) -> None:
    """Its Node object and k3s's password of it go; one that answers stays unless a person insists; again is fine."""
    path, secret = "/api/v1/nodes/node-2", "/api/v1/namespaces/kube-system/secrets/node-2.node-password.k3s"

    def ready(status: str) -> None:
        node.kube.objects = {path: {"status": {"conditions": [{"type": "Ready", "status": status}]}}, secret: {}}

    ready("True")
    with pytest.raises(Refused, match="node-2 still answers to its cluster"):
        forget(node, "node-2", anyway=False)
    assert node.kube.deleted == []
    assert forget(node, "node-2", anyway=True) == ["Node node-2", "k3s's password of node-2"]
    ready("Unknown")
    assert forget(node, "node-2", anyway=False) == ["Node node-2", "k3s's password of node-2"]
    assert forget(node, "node-2", anyway=False) == []
    assert node.kube.objects == {}
