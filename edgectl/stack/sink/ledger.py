"""Which events a sink has: each of them once, by its id, on its disk before anybody is told so."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY = ":memory:"
_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Count:
    """Events that are here, and how many more came that were here before."""

    events: int
    duplicates: int
    canaries: int


class Ledger:
    """Safe to use from many threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path if path == MEMORY else Path(path), isolation_level=None, check_same_thread=False, timeout=5.0
        )
        self._db.execute("PRAGMA journal_mode = WAL").fetchone()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript("""
            CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            INSERT OR IGNORE INTO counts VALUES ('duplicates', 0), ('canaries', 0);
        """)

    def take(self, ids: Sequence[str], *, canaries: int) -> Count:
        """Note all of a batch or none of it; returns what was new, what was not."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                new = self._db.executemany(
                    "INSERT OR IGNORE INTO events VALUES (?)", [(name,) for name in ids]
                ).rowcount
                known = len(ids) - new
                for name, more in (("duplicates", known), ("canaries", canaries)):
                    self._db.execute("UPDATE counts SET value = value + ? WHERE name = ?", (more, name))
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return Count(new, known, canaries)

    def count(self) -> Count:
        """Return how many there are."""
        with self._lock:
            (events,) = self._db.execute("SELECT count(*) FROM events").fetchone()
            counts = dict(self._db.execute("SELECT name, value FROM counts").fetchall())
        return Count(events, counts["duplicates"], counts["canaries"])

    def ids(self) -> Iterator[str]:
        """Return all of them, sorted, a page at a time."""
        last = ""
        while True:
            with self._lock:
                page = self._db.execute(
                    "SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
                ).fetchall()
            yield from (name for (name,) in page)
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()
