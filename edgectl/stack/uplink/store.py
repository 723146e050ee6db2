"""Events that wait on the disk: one SQLite file in WAL mode, each commit synced (synchronous=FULL).

Owns: that what `keep` has returned survives a power cut, that an event is known again after it was sent, and the
budget. A file that fails is closed and opened anew by the next call; a damaged one is first moved aside whole.
Must not know the bus or the sink. Safe to use from several threads.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgectl.stack.ops.clock import Clock
from edgectl.stack.uplink.config import NEWEST, StoreAt
from edgectl.stack.uplink.damage import StoreFailed, judge, move_aside

_REMEMBER_SECONDS = 7 * 86400.0
_BYTES_AN_ID = 1024  # one id is remembered for each KiB of budget: about a twentieth of it
_FORGET = 2000  # ids at a time, so that no commit takes long
_ASIDE_EVENTS = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (seq INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, at REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS aside (seq INTEGER PRIMARY KEY, at REAL NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One event that waits: JSON without a line break. `at`: when it was kept, by the store's clock."""

    seq: int
    at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a group. `refused`: indexes of those that were not kept, for want of room."""

    new: int
    duplicates: int
    dropped: int
    refused: frozenset[int]


@dataclass(frozen=True, slots=True)
class Depth:
    """How full it is. `used_bytes` counts what the budget counts; `oldest_at` is 0.0 when nothing waits."""

    events: int = 0
    used_bytes: int = 0
    oldest_at: float = 0.0
    aside: int = 0


class Store:
    """Opens the file when it is first needed. Each method raises StoreFailed when the disk does not do its part."""

    def __init__(self, at: StoreAt, clock: Clock) -> None:
        self._at, self._clock, self._path = at, clock, Path(at.path)
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._damaged = False
        self._waiting = 0
        self.moved: tuple[str, float] | None = None  # where a damaged file lies now, and since when

    def open(self) -> None:
        """Open the file now, and see that it can be written: one that can only be read is opened, too."""
        with self._change():
            pass

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return self._waiting

    def keep(self, items: Sequence[tuple[str, bytes]]) -> Kept:
        """Put (id, JSON) on the disk, all or none; on return they are safe. What is known already is not kept twice."""
        now = self._clock.now()
        with self._change() as db:
            self._keep_free(db, sum(len(body) for _, body in items))
            full = self._at.drop == NEWEST and self._over(db)
            room = 0 if full else self._at.budget_events - self._waiting
            refused: set[int] = set()
            new = 0
            for index, (name, body) in enumerate(items):
                key = hashlib.blake2b(name.encode(), digest_size=16).digest()
                if self._at.drop == NEWEST and new >= room:
                    if db.execute("SELECT 1 FROM known WHERE key = ?", (key,)).fetchone() is None:
                        refused.add(index)
                    continue
                cursor = db.execute("INSERT OR IGNORE INTO known (key, at) VALUES (?, ?)", (key, now))
                if cursor.rowcount:
                    db.execute("INSERT INTO events VALUES (?, ?, ?)", (cursor.lastrowid, now, body))
                    new += 1
            self._forget(db, now)
            waiting = self._waiting + new
            dropped = self._shrink(db, waiting) if self._at.drop != NEWEST else 0
            self._waiting = waiting - dropped  # after a failure the file is opened, and this counted, anew
        return Kept(new, len(items) - new - len(refused), dropped, frozenset(refused))

    def oldest(self, *, events: int, size_bytes: int) -> list[Row]:
        """Return what waits longest: at least one event if any does, else no more than these limits."""
        with self._use() as db:
            rows: list[Row] = []
            for row in db.execute("SELECT seq, at, body FROM events ORDER BY seq LIMIT ?", (events,)):
                size_bytes -= len(row[2]) + 1
                if rows and size_bytes < 0:
                    break
                rows.append(Row(*row))
            return rows

    def newest(self) -> Row | None:
        """Return what came last, if anything waits."""
        with self._use() as db:
            row = db.execute("SELECT seq, at, body FROM events ORDER BY seq DESC LIMIT 1").fetchone()
            return Row(*row) if row else None

    def settle(self, sent: Sequence[Row], refused: Sequence[tuple[Row, str]] = ()) -> None:
        """Note what the sink has taken, and set aside what it never will, each with its reason."""
        if not sent and not refused:
            return
        now = self._clock.now()
        with self._change() as db:
            # A file that was damaged meanwhile has gone, and numbers begin anew: another event may have the same one.
            gone = [(row.seq, row.body) for row in (*sent, *(row for row, _ in refused))]
            self._waiting -= db.executemany("DELETE FROM events WHERE seq = ? AND body = ?", gone).rowcount
            if refused:
                db.executemany(
                    "INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?)",
                    [(row.seq, now, reason, row.body) for row, reason in refused],
                )
                db.execute(
                    "DELETE FROM aside WHERE seq NOT IN (SELECT seq FROM aside ORDER BY seq DESC LIMIT ?)",
                    (_ASIDE_EVENTS,),
                )

    def depth(self) -> Depth:
        """Return how full it is."""
        with self._use() as db:
            oldest = db.execute("SELECT at FROM events ORDER BY seq LIMIT 1").fetchone()
            (aside,) = db.execute("SELECT count(*) FROM aside").fetchone()
            return Depth(self._waiting, self._used(db), oldest[0] if oldest else 0.0, aside)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db or self._open()
            except (sqlite3.Error, OSError) as error:
                failed = judge(error, self._path)
                self._damaged = self._damaged or failed.damaged
                self._close()
                raise failed from error

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._use() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._damaged:
            self.moved = (move_aside(self._path), self._clock.now())
            self._damaged = False
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            # FULL syncs the write-ahead log at each commit; NORMAL would lose the last ones in a power cut.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", f"journal_size_limit = {16 * 1024 * 1024}"):
                db.execute(f"PRAGMA {pragma}").fetchone()
            db.executescript(_SCHEMA)
            (self._waiting,) = db.execute("SELECT count(*) FROM events").fetchone()
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error:  # what it could not write it has not promised
                return

    def _used(self, db: sqlite3.Connection) -> int:
        (pages,), (free,), (size,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _over(self, db: sqlite3.Connection) -> bool:
        return self._used(db) > self._at.budget_bytes

    def _keep_free(self, db: sqlite3.Connection, size_bytes: int) -> None:
        """Refuse to grow into what is kept free for others; what fits into the file as it is, is taken."""
        disk = os.statvfs(self._path.parent)
        free = disk.f_bavail * disk.f_frsize
        (spare,), (size,) = (db.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size"))
        if free < self._at.keep_free_bytes and spare * size < 2 * size_bytes + 64 * 1024:
            mib = 1024 * 1024
            raise StoreFailed(
                f"only {free // mib} MiB are free on the disk of {self._path} "
                f"({self._at.keep_free_bytes // mib} MiB are kept free): nothing more is kept"
            )

    def _shrink(self, db: sqlite3.Connection, waiting: int) -> int:
        dropped = 0
        while waiting > dropped and (waiting - dropped > self._at.budget_events or self._over(db)):
            some = max(waiting - dropped - self._at.budget_events, (waiting - dropped) // 100, 1)
            db.execute("DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?)", (some,))
            dropped += some
        return dropped

    def _forget(self, db: sqlite3.Connection, now: float) -> None:
        # Asked for both at once, SQLite would read the whole table.
        first, last = db.execute("SELECT (SELECT min(seq) FROM known), (SELECT max(seq) FROM known)").fetchone()
        until = min((first or 0) + _FORGET, (last or 0) - self._at.budget_bytes // _BYTES_AN_ID)
        db.execute("DELETE FROM known WHERE seq < ?", (until,))
        db.execute(
            "DELETE FROM known WHERE seq IN (SELECT seq FROM known ORDER BY seq LIMIT ?) AND at < ?",
            (_FORGET // 10, now - _REMEMBER_SECONDS),
        )
