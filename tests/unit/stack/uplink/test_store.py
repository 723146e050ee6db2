"""Events on the disk: once each, within the budget, whatever the disk does."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edgectl.stack.uplink.config import MIB, NEWEST, OLDEST, StoreAt
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.store import Kept, Store
from tests.unit.stack.uplink.clocks import SteppedClock


def opened(folder: Path, **limits: object) -> tuple[Store, SteppedClock]:
    clock = SteppedClock()
    store = Store(StoreAt(str(folder / "u.db"), keep_free_bytes=0, **limits), clock)  # type: ignore[arg-type]
    return store, clock


def events(count: int, *, first: int = 0, size: int = 300) -> list[tuple[str, bytes]]:
    return [(f"id-{number}", b"x" * size) for number in range(first, first + count)]


def connection(store: Store) -> sqlite3.Connection:
    store.open()
    assert store._db is not None
    return store._db


def test_an_event_is_known_while_it_waits_and_after_it_was_sent(tmp_path: Path) -> None:
    """Twice in a group, again in the next, after it was sent, after a restart: kept once; forgotten after a week."""
    store, clock = opened(tmp_path)
    kept = store.keep([*events(3), *events(1)])
    assert (kept.new, kept.duplicates) == (3, 1)
    rows = store.oldest(events=10, size_bytes=MIB)
    store.settle(rows[:2])
    assert store.keep(events(3)).duplicates == 3
    store.close()
    again, clock = opened(tmp_path)
    again.open()
    assert again.waiting == 1
    assert again.keep(events(3)).duplicates == 3
    assert [row.seq for row in again.oldest(events=10, size_bytes=MIB)] == [rows[2].seq]
    clock.at += 8 * 86400
    again.keep(events(1, first=7))
    assert again.keep(events(1)).new == 1
    again.close()


def test_each_commit_is_synced(tmp_path: Path) -> None:
    """WAL with synchronous=FULL; NORMAL loses the last commits in a power cut (tests/stack/test_power_cut.py)."""
    store, _ = opened(tmp_path)
    db = connection(store)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_batches_are_oldest_first_and_bounded_and_never_empty(tmp_path: Path) -> None:
    """By number, by bytes; one that is larger than a batch goes alone."""
    store, _ = opened(tmp_path)
    store.keep([("big", b"x" * 5000), *events(10, size=99)])
    assert [len(row.body) for row in store.oldest(events=5, size_bytes=1000)] == [5000]
    store.settle(store.oldest(events=1, size_bytes=1))
    assert len(store.oldest(events=5, size_bytes=1000)) == 5
    assert len(store.oldest(events=50, size_bytes=300)) == 3
    assert store.newest() == store.oldest(events=50, size_bytes=MIB)[-1]
    store.close()


def test_over_budget_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    """By number and by bytes; the file does not grow beyond the budget, and what was dropped is not taken again."""
    store, _ = opened(tmp_path, budget_events=100, drop=OLDEST)
    assert store.keep(events(150)).dropped == 50
    assert store.oldest(events=1, size_bytes=1)[0].seq == 51
    assert store.keep(events(1)).duplicates == 1
    store.close()
    (tmp_path / "bytes").mkdir()
    store, _ = opened(tmp_path / "bytes", budget_bytes=MIB)
    dropped = sum(store.keep(events(50, first=number * 50)).dropped for number in range(200))
    depth = store.depth()
    assert dropped == 10_000 - depth.events
    assert depth.events > 1500
    assert depth.used_bytes <= MIB
    store.close()
    assert (tmp_path / "bytes" / "u.db").stat().st_size < 1.5 * MIB


def test_newest_is_refused_where_that_is_the_policy(tmp_path: Path) -> None:
    """No room: no receipt, so the camera keeps it; what is here already is receipted again."""
    store, _ = opened(tmp_path, budget_events=3, drop=NEWEST)
    assert store.keep(events(5)).refused == {3, 4}
    kept = store.keep(events(5))
    assert kept == Kept(0, 3, 0, frozenset({3, 4}))
    store.settle(store.oldest(events=1, size_bytes=1))
    assert store.keep(events(5)).refused == {4}
    store.close()


def test_what_is_set_aside_is_kept_bounded(tmp_path: Path) -> None:
    """The newest 200, with the reason of each."""
    store, _ = opened(tmp_path)
    store.keep(events(300))
    rows = store.oldest(events=300, size_bytes=MIB)
    for begin in range(0, 300, 50):
        store.settle([], [(row, "HTTP 422") for row in rows[begin : begin + 50]])
    depth = store.depth()
    assert (depth.events, depth.aside) == (0, 200)
    assert connection(store).execute("SELECT min(seq), reason FROM aside").fetchone() == (101, "HTTP 422")
    store.close()


def test_settling_what_was_dropped_meanwhile_counts_right(tmp_path: Path) -> None:
    """The oldest go over budget while they are being sent."""
    store, _ = opened(tmp_path, budget_events=10)
    store.keep(events(10))
    rows = store.oldest(events=10, size_bytes=MIB)
    store.keep(events(5, first=10))
    store.settle(rows)
    assert store.waiting == 5
    store.close()


@pytest.mark.parametrize(
    ("pragma", "sentence"),
    [("max_page_count = 1", "is full: nothing more is kept"), ("query_only = 1", "cannot be written (read-only)")],
)
def test_a_disk_that_takes_nothing_is_said_and_what_is_there_stays(tmp_path: Path, pragma: str, sentence: str) -> None:
    """SQLITE_FULL, SQLITE_READONLY: all of a group or none; and the next call begins anew by itself."""
    store, _ = opened(tmp_path)
    store.keep(events(3))
    connection(store).execute(f"PRAGMA {pragma}")
    with pytest.raises(StoreFailed, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        store.keep(events(500, first=3, size=3000))
    assert store.waiting == 3
    assert store.keep(events(500, first=3)).new == 500
    assert store.moved is None
    store.close()


def test_what_is_kept_free_for_others_is_not_grown_into(tmp_path: Path) -> None:
    """Below it nothing more is kept, and it is said; what is inside goes on out."""
    store, clock = opened(tmp_path)
    store.keep(events(3))
    store.close()
    tight = Store(StoreAt(str(tmp_path / "u.db"), keep_free_bytes=2**62), clock)
    with pytest.raises(StoreFailed, match="are kept free"):
        tight.keep(events(3, first=3))
    tight.settle(tight.oldest(events=2, size_bytes=MIB))
    assert tight.waiting == 1
    tight.close()


def test_a_damaged_file_is_moved_aside_whole_and_the_two_newest_are_kept(tmp_path: Path) -> None:
    """No database at all, a page of garbage: said once, then it works anew."""
    file = tmp_path / "u.db"
    for number in (1, 2, 3):
        file.write_bytes(b"no database" * 1000)
        store, _ = opened(tmp_path)
        with pytest.raises(StoreFailed, match="is damaged") as failed:
            store.keep(events(3))
        assert failed.value.damaged
        assert store.keep(events(3)).new == 3
        assert store.moved is not None
        assert store.moved[0] == f"u.db.corrupt-{number}"
        store.close()
    assert sorted(path.name for path in tmp_path.glob("*corrupt*")) == ["u.db.corrupt-2", "u.db.corrupt-3"]
    store, _ = opened(tmp_path)
    store.keep(events(2000, first=10))
    store.close()
    content = bytearray(file.read_bytes())
    content[8192 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 8192)
    file.write_bytes(content)
    store, _ = opened(tmp_path)
    with pytest.raises(StoreFailed, match="is damaged"):
        store.oldest(events=5000, size_bytes=100 * MIB)
    assert store.oldest(events=1, size_bytes=1) == []
    assert (tmp_path / "u.db.corrupt-4").read_bytes() == content
    store.close()


def test_what_was_sent_of_a_damaged_file_takes_nothing_out_of_the_new_one(tmp_path: Path) -> None:
    """Numbers begin anew in it: an event that was kept meanwhile has a receipt, and has the number of another."""
    store, _ = opened(tmp_path)
    store.keep([("old", b"old")])
    sent = store.oldest(events=1, size_bytes=MIB)
    store.close()
    (tmp_path / "u.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreFailed, match="is damaged"):
        store.keep([("new", b"new")])
    store.keep([("new", b"new")])
    store.settle(sent)
    assert [row.body for row in store.oldest(events=10, size_bytes=MIB)] == [b"new"]
    assert store.waiting == 1
    store.close()


def test_a_folder_that_is_not_there_yet_is_no_end(tmp_path: Path) -> None:
    """A disk that is mounted later."""
    store, _ = opened(tmp_path / "later")
    with pytest.raises(StoreFailed, match="is its disk there"):
        store.keep(events(1))
    (tmp_path / "later").mkdir()
    assert store.keep(events(1)).new == 1
    store.close()
