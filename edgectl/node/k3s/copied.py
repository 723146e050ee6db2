"""A consistent copy of what a k3s server is made of: its datastore, its token, the keys of its CAs, its passwords.

Owns: which files those are. k3s goes on meanwhile: SQLite is copied by its own backup, an embedded etcd by k3s's own
snapshot. A copy is there whole or not at all. Must not know what it is for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from edgectl.node.io.database import copy_database
from edgectl.node.io.files import copy_atomic, sync_dir
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.wire.errors import NotReady

_SNAPSHOT_SECONDS = 600.0
_SPARE_BYTES = 256 << 20  # that stay free beside the copy: a backup must not be what fills a disk
_KEYS = ("*-ca.crt", "*-ca.key", "service.key", "service.current.key", "etcd/*-ca.crt", "etcd/*-ca.key")
_CREDENTIALS = ("passwd", "ipsec.psk", "encryption-config.json", "encryption-state.json")


def save(places: Places, why: str) -> Path:
    """Copy it into a folder of its own, below `server` and `etc` as it lies on the machine; returns the folder.

    Raises NotReady where there is none, or no room; OSError.
    """
    server = places.k3s_data / "server"
    folder = places.saved / why
    new = places.saved / f".{why}.edgectl-new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    try:
        _datastore(places, server, new)
        for path in _files(server):
            copy_atomic(path, new / "server" / path.relative_to(server), mode=0o600)
        password = places.root / "etc/rancher/node/password"
        if password.is_file():  # by which the server knows the node that it is itself
            copy_atomic(password, new / "etc/node/password", mode=0o600)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
        sync_dir(places.saved)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _datastore(places: Places, server: Path, new: Path) -> None:
    database = server / "db/state.db"
    if not (server / "token").is_file() or not (database.is_file() or (server / "db/etcd").is_dir()):
        raise NotReady(
            "there is no cluster on this node to back up: k3s has never run here as a server",
            hint="the cluster lies on the store's server; deploy it first",
        )
    _room(Hands(places), database)
    if database.is_file():
        copy_database(database, new / "server/db/state.db")
        return
    folder = new / "server/db/snapshots"
    k3s = str(places.root / "usr/local/bin/k3s")
    words = ("etcd-snapshot", "save", "--name", "edgectl", "--etcd-snapshot-dir", str(folder))
    ran = Hands(places).change(k3s, *words, limit_seconds=_SNAPSHOT_SECONDS, keeps_lock=False)
    made = sorted(folder.glob("edgectl-*")) if folder.is_dir() else []
    if not ran.ok or not made:
        raise NotReady(f"k3s has made no snapshot of its etcd: {ran.last_words}", details=ran.evidence())
    made[-1].rename(folder / "edgectl")


def _room(look: Hands, database: Path) -> None:
    needed = 2 * (database.stat().st_size if database.is_file() else 0) + _SPARE_BYTES
    free = look.free_bytes(look.places.state)
    if free < needed:
        raise NotReady(
            f"no backup: {free / 1e6:.0f} MB are free in {look.places.state}, and {needed / 1e6:.0f} MB are needed",
            hint="free space there (df -h), or keep fewer backups (backup.keep)",
        )


def _files(server: Path) -> Iterator[Path]:
    yield server / "token"
    for folder, patterns in (("tls", _KEYS), ("cred", _CREDENTIALS)):
        for pattern in patterns:
            yield from (path for path in sorted((server / folder).glob(pattern)) if path.is_file())
