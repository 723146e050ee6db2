"""What k3s cannot make again, copied aside and put back: its datastore and the token that the datastore is sealed with.

SQLite is copied by its own backup, which sees one state while k3s writes on; an embedded etcd by k3s's own snapshot.
Owns `/var/lib/edgectl/backups/NAME`: state.db or a snapshot, token, and why.json. Must not know who asks for a copy.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical
from edgectl.wire.event import now

KEEP = 2
UNIT = "k3s.service"  # of a server; an agent has no datastore
_SNAPSHOT_SECONDS = 300.0
_STOP_SECONDS = 120.0


def save(write: Hands, name: str, why: str, program: Path | None = None) -> Path | None:
    """Copy datastore and token; returns the folder, None where there is no datastore. OSError: there is no copy.

    `program`: the k3s that runs, where that is not ours.
    """
    sqlite, etcd, token = _server(write.places, "db/state.db", "db/etcd", "token")
    if not sqlite.exists() and not etcd.is_dir():
        return None
    folder = write.places.backups / name
    if sqlite.exists():
        write.copy_database(sqlite, folder / sqlite.name)
    else:
        _snapshot(write, folder, program or write.places.root / "usr/local/bin/k3s")
    write.copy(token, folder / "token", mode=0o600)
    write.write(folder / "why.json", canonical({"why": why, "time": now()}).decode() + "\n", mode=0o600)
    for old in sorted(write.places.backups.iterdir(), key=_age, reverse=True)[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def kept(read: Look, name: str) -> Path | None:
    """Return the copy of SQLite's datastore that was made under this name; None where none is whole."""
    folder = read.places.backups / name
    return folder if (folder / "state.db").is_file() and (folder / "token").is_file() else None


def put_back(write: Hands, folder: Path) -> None:
    """Stop k3s, and let the copy take its datastore's place; pods run on. OSError: it could not be done.

    Works from any half of itself: what k3s has written since the copy goes with the logs beside the datastore.
    """
    stopped = write.change("systemctl", "stop", UNIT, limit_seconds=_STOP_SECONDS)
    if not stopped.ok:
        raise OSError(0, f"k3s could not be stopped: {stopped.last_words}")
    database, token = _server(write.places, "db/state.db", "token")
    for log in ("state.db-wal", "state.db-shm"):
        write.remove(database.with_name(log))
    write.copy(folder / "token", token, mode=0o600)
    write.copy(folder / "state.db", database, mode=0o600)


def _snapshot(write: Hands, folder: Path, program: Path) -> None:
    """Let k3s, which runs, write a snapshot of its etcd into the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = ("etcd-snapshot", "save", "--name", "edgectl", "--dir", str(folder))
    ran = write.change(str(program), *asked, limit_seconds=_SNAPSHOT_SECONDS)
    if not ran.ok or not any(path.name.startswith("edgectl") for path in folder.iterdir()):
        raise OSError(0, f"k3s has made no snapshot of its etcd: {ran.last_words}")


def _server(places: Places, *names: str) -> tuple[Path, ...]:
    return tuple(places.k3s_data / "server" / name for name in names)


def _age(folder: Path) -> float:
    return folder.stat().st_mtime
