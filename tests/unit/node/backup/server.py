"""A server in a folder that has been deployed, with a datastore that is open and has rows only in its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Backup, Host, K3s, Node, Payload
from tests.unit.node.fake import ran

VERSION = "v1.36.3+k3s1"
NOW = datetime(2026, 11, 28, 5, 10, 55, tzinfo=UTC)
ROW = "/registry/configmaps/default/made-by-hand"


@contextmanager
def server(folder: Path, monkeypatch: pytest.MonkeyPatch, *, keep: int = 2) -> Iterator[Places]:
    """Yield one whose k3s has the database open."""
    places = Places(folder)
    deployed(places, 7, keep=keep)
    files = {
        "server/token": "K10abc::server:secret\n",
        "server/tls/server-ca.key": "the CA's key",
        "server/tls/server-ca.crt": "the CA",
        "server/tls/client-admin.key": "made anew by k3s",
        "server/cred/passwd": "node:password",
    }
    for name, text in files.items():
        path = places.k3s_data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    password = places.root / "etc/rancher/node/password"
    password.parent.mkdir(parents=True)
    password.write_text("node-1's own")
    monkeypatch.setattr(Look, "run", lambda *_, **__: ran(f"k3s version {VERSION} (abc)\n"))
    stored = places.k3s_data / "server/db/state.db"
    stored.parent.mkdir()
    with closing(sqlite3.connect(stored)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kine (name TEXT)")
        database.execute("INSERT INTO kine VALUES (?)", (ROW,))
        database.commit()
        yield places


def deployed(places: Places, sequence: int, *, keep: int = 2, node: str = "node-1") -> None:
    """Promote a payload of a server and an agent."""
    k3s = K3s(VERSION, "sha256:" + "0" * 64, "k3s.service", (), ())
    nodes = (
        Node("node-1", "server", "10.77.0.11", Host(1), k3s),
        Node("node-2", "agent", "10.77.0.12", Host(1), k3s),
    )
    data = Payload("store-042", "", nodes, (), {}, backup=Backup(86400.0, keep)).encode()
    places.blobs.mkdir(parents=True, exist_ok=True)
    places.blob(digest_of(data)).write_bytes(data)
    slots = Slots(places)
    envelope = Envelope("store-042", node, digest_of(data), "sha256:1", "", sequence, "t", Sender("ada", "laptop"))
    slots.promote(slots.accept(envelope))


def names(path: Path) -> list[str]:
    """Return the rows of a database."""
    with closing(sqlite3.connect(path)) as copy:
        return [str(row[0]) for row in copy.execute("SELECT name FROM kine")]
