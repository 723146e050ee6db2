"""Backups against a node that remembers: taken, fetched, put back on a fresh machine; then edgectl off it."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.backup.folder import here, home
from edgectl.control.link.hostkey import HostKey, pinned
from edgectl.node import engine
from edgectl.node.backup import take as taking
from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.launch.permits import permit
from edgectl.node.rack.status import run as at_the_rack
from edgectl.node.remove import asked, cluster, system
from edgectl.wire.backup import CA, cluster_of, name_of, verify
from edgectl.wire.document import digest_of
from edgectl.wire.errors import Refused
from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import MOTD, StoreNode
from tests.cli.test_audit import lines, whats

OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
_NAME = "20261128T051055Z-s{}.backup"


@pytest.fixture
def machine(node: StoreNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StoreNode:
    """Return the bare node; what k3s says is its version, and it shows the key that is pinned."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(programs, "run", _versioned(node.program))
    _shows(monkeypatch, KEY)
    return node


@pytest.fixture
def server(machine: StoreNode, inventory: Path, edgectl: Edgectl) -> StoreNode:
    """Return it deployed, with a cluster."""
    assert inventory.exists()
    assert edgectl("deploy", "store-042").code == 0
    _cluster(machine.places)
    return machine


def _versioned(real: Callable[..., programs.Ran]) -> Callable[..., programs.Ran]:
    def run(argv: Any, **how: Any) -> programs.Ran:
        if argv[0].endswith("/k3s") and argv[1] == "--version":
            return programs.Ran(tuple(argv), 0, "k3s version v1.36.3+k3s1 (abc)\n", "", 0.0)
        return real(argv, **how)

    return run


def _cluster(places: Places, ca: str = "the CA") -> None:
    stored = places.k3s_data / "server/db/state.db"
    stored.parent.mkdir(parents=True)
    with closing(sqlite3.connect(stored)) as database:
        database.execute("CREATE TABLE kine (name TEXT)")
        database.execute("INSERT INTO kine VALUES ('made-by-hand')")
        database.commit()
    (places.k3s_data / "server/token").write_text("K10abc::server:secret\n")
    (places.k3s_data / CA).parent.mkdir()
    (places.k3s_data / CA).write_text(ca)


def _shows(monkeypatch: pytest.MonkeyPatch, key: str) -> HostKey:
    found = pinned(key, node="node-1")
    monkeypatch.setattr("edgectl.control.link.shown.shown", lambda _: found)
    return found


def _fresh(machine: StoreNode, folder: Path, monkeypatch: pytest.MonkeyPatch) -> HostKey:
    """Let another machine stand there."""
    machine.begin_anew(folder, breaks_at=0)
    return _shows(monkeypatch, OTHER)


def test_it_comes_to_the_operator_alone(server: StoreNode, edgectl: Edgectl) -> None:
    """The file is his (0600), and what it holds is said; the list has both sides; --fetch brings one again."""
    said = edgectl("backup", "store-042")
    (path,) = here(home() / "store-042")
    assert said.code == 0
    assert "It holds the keys of the cluster and its Secrets, not encrypted" in said.out
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert verify(path).store == "store-042"
    listed = edgectl("backup", "store-042", "--list", "-o", "json").document
    assert [row["name"] for row in listed["node"]] == [path.name]
    assert listed["here"] == [str(path)]
    assert "sequence 1, k3s v1.36.3+k3s1" in edgectl("backup", "store-042", "--list").out
    path.unlink()
    assert edgectl("backup", "store-042", "--fetch", path.name).code == 0
    assert path.exists()
    assert edgectl("backup", "store-042", "--fetch", _NAME.format(9)).code == 2
    assert server.places.saved.is_dir()


def test_a_folder_that_is_there_keeps_its_mode(server: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: one that edgectl makes is the user's alone; another one is as its owner wants it, and the file is 0600."""
    assert server.places.state.is_dir()
    for name, mode in (("shared", 0o755), ("new", 0o700)):
        folder = tmp_path / name
        if name == "shared":
            folder.mkdir()
            folder.chmod(mode)
        assert edgectl("backup", "store-042", "--to", str(folder)).code == 0
        (path,) = here(folder)
        assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (mode, 0o600)


def test_a_fetch_goes_on_where_the_link_broke(
    server: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, at any frame; and after a kill with --fetch, at the last byte."""
    monkeypatch.setattr("edgectl.control.backup.fetch._PAUSE_SECONDS", 0.0)
    name = Path(edgectl("backup", "store-042", "-o", "json").document["backup"]).name
    (whole,) = here(home() / "store-042")
    data = whole.read_bytes()
    for cut in range(1, 6):
        whole.unlink(missing_ok=True)
        server.breaks_at, server.frames = cut, 0
        assert edgectl("backup", "store-042", "--fetch", name).code == 0
        assert whole.read_bytes() == data
    whole.unlink()
    part = whole.with_name(f".{name}.part")
    part.write_bytes(data[:100])
    assert edgectl("backup", "store-042", "--fetch", name).code == 0
    assert {frame.get("bytes") for frame in server.heard if frame["op"] == "rest"} >= {len(data) - 100}
    part.write_bytes(b"x" * len(data))
    whole.unlink()
    assert edgectl("backup", "store-042", "--fetch", name).code == 5
    assert not part.exists(), "what is wrong is not gone on with"


def test_a_fresh_machine_gets_the_cluster_that_was(
    server: StoreNode, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its key is compared and pinned, the newest backup is put back before the deploy, and the sequence goes on."""
    edgectl("deploy", "store-042")
    server.join()
    edgectl("collect")
    edgectl("backup", "store-042")
    alive = edgectl("replace", "store-042/node-1")
    assert (alive.code, "the old machine is alive" in alive.err) == (11, True)
    key = _fresh(server, tmp_path / "fresh", monkeypatch)
    before = inventory.read_bytes()
    for words in ((), ("--host-key", "SHA256:another")):
        said = edgectl("replace", "store-042/node-1", *words)
        assert (said.code, key.fingerprint in said.err) == (4, True)
    assert inventory.read_bytes() == before
    said = edgectl("replace", "store-042/node-1", "--host-key", key.fingerprint, "-o", "json")
    assert (said.code, said.document["sequence"]) == (0, 2)
    assert "the cluster is put back" in said.err
    assert "events not sent" in said.err
    assert inventory.read_text() == before.decode().replace(KEY, OTHER)
    (put,) = [row for row in lines(server.places.audit) if row["what"] == "restore"]
    assert (put["phase"], put["store"], put["asked"].keys()) == ("asked", "store-042", {"digest"})
    assert ("restore", "ended") in whats(lines(tmp_path / "state/edgectl/audit/store-042"))
    with closing(sqlite3.connect(server.places.k3s_data / "server/db/state.db")) as database:
        assert database.execute("SELECT name FROM kine").fetchall() == [("made-by-hand",)]
    assert edgectl("deploy", "store-042", "-o", "json").document["changed"] == []
    server.join()
    edgectl("collect")
    verified = edgectl("audit", "verify", "store-042")
    assert (verified.code, "node-1 was replaced on" in verified.out + verified.err) == (0, True), verified


def test_it_goes_on_where_it_was_stopped(
    server: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The link breaks at any frame: the same command brings the same store."""
    edgectl("backup", "store-042")
    key = _fresh(server, tmp_path / "fresh0", monkeypatch)
    for cut in range(1, 9):
        server.begin_anew(tmp_path / f"fresh{cut}", breaks_at=cut)
        words = ("replace", "store-042/node-1", "--host-key", key.fingerprint)
        codes = [edgectl(*words).code for _ in range(2)]
        assert codes in ([4, 0], [0, 11]), f"frame {cut}: {server.broken}"
        assert server.places.restored.exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: os.truncate(path, path.stat().st_size - 7), "is cut or damaged"),
        (lambda path: path.write_bytes(b""), "is cut or damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-400] + b"x" * 400), "is cut or damaged"),
    ],
)
def test_a_damaged_backup_is_refused_and_an_older_one_proposed(
    server: StoreNode,
    edgectl: Edgectl,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    why: str,
) -> None:
    """A person decides whether to lose what lies between the two. What was interrupted is not even looked at."""
    edgectl("backup", "store-042")
    (good,) = here(home() / "store-042")
    newest = good.with_name(name_of("20991231T000000Z", 1, cluster_of(digest_of(b"the CA"))))
    shutil.copy(good, newest)
    spoil(newest)
    shutil.copy(good, good.with_name(f".{_NAME.format(9)}.part"))
    key = _fresh(server, tmp_path / "fresh", monkeypatch)
    words = ("replace", "store-042/node-1", "--host-key", key.fingerprint)
    said = edgectl(*words)
    assert said.code == 11
    assert newest.name in said.err
    assert why in said.err
    assert f"--backup {good}" in said.err
    assert not server.places.restored.exists()
    assert edgectl(*words, "--backup", good.name).code == 0


def test_a_cluster_that_was_thrown_away_does_not_come_back(
    server: StoreNode, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law: after `remove` a store counts from 1; the newest backup is the new cluster's, and the old one's is named."""
    for text in ("better", "good"):
        declare(inventory, text)
        assert edgectl("deploy", "store-042").code == 0
    edgectl("backup", "store-042")
    (old,) = here(home() / "store-042")
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 0
    assert edgectl("deploy", "store-042").code == 0
    _cluster(server.places, "another CA")
    monkeypatch.setattr(taking, "STAMP", "20991231T%H%M%SZ")  # a moment later
    edgectl("backup", "store-042")
    assert len(list(server.places.saved.glob("*.backup"))) == 2, "the old one is still there, and the new one, too"
    new, second = here(home() / "store-042")
    assert (second, "-s1-" in new.name, "-s1-" in old.name) == (old, True, False)
    key = _fresh(server, tmp_path / "fresh", monkeypatch)
    said = edgectl("replace", "store-042/node-1", "--host-key", key.fingerprint)
    assert said.code == 0, said
    assert str(new) in said.err
    assert f"former clusters of store-042 have backups here, too (1, the newest {old.name})" in said.err
    assert (server.places.k3s_data / CA).read_text() == "another CA"


def test_an_older_backup_that_was_put_back_is_the_newest_from_then_on(
    server: StoreNode, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law: a person chose it, and its cluster goes on under sequences that are newer than all that is here of it."""
    edgectl("backup", "store-042")
    (old,) = here(home() / "store-042")
    declare(inventory, "better")
    edgectl("deploy", "store-042")
    edgectl("backup", "store-042")
    assert len(here(home() / "store-042")) == 2
    key = _fresh(server, tmp_path / "fresh", monkeypatch)
    words = ("--host-key", key.fingerprint, "--backup", old.name, "-o", "json")
    assert edgectl("replace", "store-042/node-1", *words).document["sequence"] == 3


def test_what_is_not_its_own_is_refused_by_name(
    server: StoreNode, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another store's, another node's, an older k3s, none at all: before anything is sent."""
    edgectl("backup", "store-042")
    (good,) = here(home() / "store-042")
    key = _fresh(server, tmp_path / "fresh", monkeypatch)
    words = ("--host-key", key.fingerprint)
    text = inventory.read_text()
    inventory.write_text(text.replace("store-042:", "store-043:"))
    said = edgectl("replace", "store-043/node-1", *words, "--backup", str(good))
    assert (said.code, "this is a backup of store-042, and not of store-043" in said.err) == (11, True)
    assert edgectl("replace", "store-043/node-1", *words).code == 3
    inventory.write_text(text.replace("node-1:", "node-9:"))
    said = edgectl("replace", "store-042/node-9", *words)
    assert (said.code, "a backup of store-042/node-1" in said.err) == (11, True)
    inventory.write_text(text.replace("v1.36.3", "v1.36.2"))
    said = edgectl("replace", "store-042/node-1", *words)
    assert (said.code, "declares the older v1.36.2+k3s1" in said.err) == (11, True)
    assert not server.sessions, "nobody was asked"
    inventory.write_text(text)
    assert edgectl("replace", "store-042", *words).code == 2
    assert edgectl("replace", "store-042/node-3", *words).code == 2
    good.unlink()
    assert edgectl("replace", "store-042/node-1", *words).code == 3
    assert edgectl("replace", "store-042/node-1", *words, "--without-backup").code == 0


def test_all_of_it_goes_and_backups_stay(server: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """A file that was there before edgectl is back; what only edgectl made is gone; twice is no error."""
    edgectl("backup", "store-042")
    before_an_upgrade = server.places.backups / "v1.36.3+k3s1/state.db"  # never to come under another cluster
    before_an_upgrade.parent.mkdir(parents=True)
    before_an_upgrade.touch()
    said = edgectl("remove", "store-042", "--yes-remove", "store-042")
    assert said.code == 0, said
    assert _left(server) == {f"var/lib/edgectl/saved/{_only(server).name}"}
    assert list(server.places.audit.iterdir())
    assert not server.file(MOTD).exists()
    assert "has nothing of edgectl" in edgectl("remove", "store-042", "--yes-remove", "store-042").out
    assert tmp_path.exists()


def test_what_was_there_before_is_back(machine: StoreNode, edgectl: Edgectl, inventory: Path) -> None:
    """A file that edgectl had taken over."""
    server = machine
    server.file(MOTD).parent.mkdir(parents=True)
    server.file(MOTD).write_text("ours since 2019")
    assert edgectl("deploy", "store-042").code == 0
    assert server.file(MOTD).read_text() == "good"
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 0
    assert _left(server) == {MOTD}
    assert server.file(MOTD).read_text() == "ours since 2019"
    assert inventory.exists()


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (cluster, "take_off"),
        (cluster, "_files"),
        (system, "put_back"),
        (system, "pods_data"),
        (asked, "_units"),
        (asked, "_state"),
    ],
)
def test_stopped_in_the_middle_the_same_command_goes_on(
    server: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, module: Any, part: str
) -> None:
    """Before that part, and after it."""
    real = getattr(module, part)
    words = ("remove", "store-042", "--yes-remove", "store-042")

    def before(*_: object) -> None:
        raise OSError(5, "killed")

    def after(*what: object) -> None:
        real(*what)
        raise OSError(5, "killed")

    for killed in (before, after):
        with monkeypatch.context() as one:
            one.setattr(module, part, killed)
            assert edgectl(*words).code == 5
        assert server.places.removing.exists()
    assert edgectl(*words).code == 0
    assert _left(server) == set()


@pytest.mark.parametrize("part", [(asked, "_quiet"), (cluster, "take_off"), (asked, "_units")])
def test_a_removal_that_was_cut_is_told_and_nothing_heals_it(
    server: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, part: tuple[Any, str]
) -> None:
    """From its first act on: no heal, no deploy (exit 7), and everybody who asks is told what to do.

    Seeded: the note written after the timers are off; a heal, an accept, a look that do not ask for it.
    """

    def cut(*_: object) -> None:
        raise OSError(5, "the power goes")

    words = ("remove", "store-042", "--yes-remove", "store-042")
    with monkeypatch.context() as one:
        one.setattr(*part, cut)
        assert edgectl(*words).code == 5
    server.join()
    motd = server.file(MOTD)
    motd.unlink(missing_ok=True)
    before = _left(server)
    assert engine.run(server.places) == 0
    assert _left(server) == before, "a heal that the timer starts brings nothing back, and writes no journal"
    said = edgectl("status", "store-042")
    assert (said.code, "this store is being removed since 20" in said.err) == (5, True)
    assert "run `edgectl remove store-042` again to finish it" in said.err
    for asks in ("deploy", "plan"):
        said = edgectl(asks, "store-042")
        assert (said.code, "store-042 is being removed since 20" in said.err) == (7, True), said
    said = edgectl("doctor", "store-042")
    assert "E-RUN-07" in said.out
    assert "run `edgectl remove store-042` again to finish it" in " ".join(said.out.split())
    assert (at_the_rack(server.places, argparse.Namespace()), motd.exists()) == (5, False)
    said = edgectl("preflight", "store-042")
    assert (said.code, "stop      removal " in said.out) == (5, True)
    since = json.loads(server.places.removing.read_bytes())["since"]
    with monkeypatch.context() as one:
        one.setattr(*part, cut)
        assert edgectl(*words).code == 5
    assert json.loads(server.places.removing.read_bytes())["since"] == since
    assert edgectl(*words).code == 0
    assert _left(server) == set()
    assert edgectl("deploy", "store-042").code == 0


def test_it_is_asked_and_only_its_own_machine_goes(
    server: StoreNode, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody at a terminal, a wrong name, another store's machine, a pause: nothing is changed."""
    before = _left(server)
    assert edgectl("remove", "store-042").code == 2
    assert edgectl("remove", "store-042", "--yes-remove", "store-043").code == 2
    for typed, code in (("store-043\n", 2), ("\n", 2)):
        monkeypatch.setattr("sys.stdin", _Terminal(typed))
        assert edgectl("remove", "store-042").code == code
    inventory.write_text(inventory.read_text().replace("store-042:", "store-043:"))
    said = edgectl("remove", "store-043", "--yes-remove", "store-043")
    assert (said.code, "this machine belongs to store-042" in said.err) == (11, True)
    inventory.write_text(inventory.read_text().replace("store-043:", "store-042:"))
    assert _left(server) == before
    edgectl("pause", "store-042", "--for", "1h", "--why", "a person works")
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 7
    edgectl("resume", "store-042")
    monkeypatch.setattr("sys.stdin", _Terminal("store-042\n"))
    assert edgectl("remove", "store-042").code == 0
    assert _left(server) == set()


@pytest.mark.parametrize("op", ["backup", "restore", "forget-node", "remove"])
def test_a_deploy_user_may_do_none_of_it(op: str) -> None:
    """Whatever is signed: keys of clusters, and machines made bare, are root's."""
    with pytest.raises(Refused, match=f"this needs root \\({op}\\)"):
        permit("edge", {"op": op, "store": "store-042"})


def test_a_backup_that_is_being_taken_is_not_disturbed(server: StoreNode, edgectl: Edgectl) -> None:
    """Exit 7, and when it has ended the same command takes one."""
    server.places.saved.mkdir()
    with taking._alone(server.places):
        assert edgectl("backup", "store-042").code == 7
    assert edgectl("backup", "store-042").code == 0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _left(machine: StoreNode) -> set[str]:
    """Return what lies on the machine: files, and links. Its engine comes anew with each question; the audit stays."""
    machine.join()
    root = machine.places.root
    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}
    return {path for path in found if not path.startswith(("var/lib/edgectl/runtimes/", "var/lib/edgectl/audit/"))}


def _only(machine: StoreNode) -> Path:
    (path,) = machine.places.saved.glob("*.backup")
    return path
