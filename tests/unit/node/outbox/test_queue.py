"""The outbox's queue: what is kept, what goes first, and what no fault takes away."""

from __future__ import annotations

import errno
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.io.files import write_atomic
from edgectl.node.outbox.queue import (
    BEAT,
    JOURNAL,
    KINDS,
    VERDICT,
    Entry,
    Queue,
    cost,
    entries,
    pillars,
    settled,
    surplus,
)
from tests.unit.node.faults import Disk, Killed

BUDGET = 1 << 20


def says(text: str) -> Callable[[str, int], bytes]:
    """Return what makes an entry's bytes."""
    return lambda box, n: f"{text} {box} {n}".encode()


def found(kinds: list[tuple[str, int]]) -> list[Entry]:
    """Return entries of these kinds and sizes."""
    return [Entry(n, "9f3c", kind, "", Path(f"/{n}"), size) for n, (kind, size) in enumerate(kinds, 1)]


DRAWN = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 20_000)), max_size=40).map(found)


@given(DRAWN, st.integers(0, 200_000), st.integers(1, 40))
def test_the_oldest_detail_goes_first(kept: list[Entry], budget: int, most: int) -> None:
    """Law: journals go before beats, beats before verdicts, older before newer; no more goes than must.

    Seeded: an order by age alone.
    """
    gone = surplus(kept, budget, most)
    rest = [entry for entry in kept if entry not in gone]
    rank = {JOURNAL: 0, BEAT: 1, VERDICT: 2}
    assert gone == sorted(gone, key=lambda entry: (rank[entry.kind], entry.n))
    free = [entry for entry in rest if entry not in pillars(kept)]
    for entry in free:  # nothing that goes is worth more than anything that stays and could go
        assert all((rank[lost.kind], lost.n) < (rank[entry.kind], entry.n) for lost in gone)
    fits = sum(map(cost, rest)) <= budget and len(rest) <= most
    assert fits or not free
    if gone:
        last = sum(map(cost, rest)) + cost(gone[-1])
        assert last > budget or len(rest) + 1 > most


@given(DRAWN, st.integers(0, 200_000))
def test_what_the_count_stands_on_stays(kept: list[Entry], budget: int) -> None:
    """Law: the newest entry, and the newest beat, are never taken away."""
    assert not set(pillars(kept)) & set(surplus(kept, budget, 1))


@given(st.lists(st.sampled_from([*KINDS, "arrived"]), max_size=30))
def test_a_number_is_given_once(steps: list[str]) -> None:
    """Law: whatever is put and taken away, a number never comes again, and no gap is made by what stays."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        queue, given_numbers = Queue(Path(folder), BUDGET), []
        for step in steps:
            if step == "arrived":
                queue.drop(queue.entries())
            else:
                given_numbers.append(queue.put(step, says(step)).n)
        assert given_numbers == list(range(1, len(given_numbers) + 1))


def test_the_cap_holds(tmp_path: Path) -> None:
    """Journals give way to newer ones, verdicts and the newest beat stay."""
    queue, source = Queue(tmp_path / "outbox", 64 << 10), tmp_path / "journal"
    source.write_bytes(b"x" * 9000)  # three blocks of the disk
    for number in range(10):
        queue.put(VERDICT, says("v"), run=f"{number:x}")
        queue.put_file(JOURNAL, source, run=f"{number:x}")
        queue.put(BEAT, says("b"))
    kept = queue.entries()
    assert sum(map(cost, kept)) <= 64 << 10
    kinds = Counter(entry.kind for entry in kept)
    assert kinds[VERDICT] == 10
    assert kept[-1].kind == BEAT
    assert kinds[JOURNAL] == 0  # ten verdicts and beats leave no room for one


def test_a_journal_lies_there_once(tmp_path: Path) -> None:
    """The same bytes under a second name: the journal's own may go, and it travels packed, always the same."""
    source = tmp_path / "run.jsonl"
    source.write_bytes(b'{"kind": "run"}\n')
    entry = Queue(tmp_path / "outbox", BUDGET).put_file(JOURNAL, source, run="3f92")
    assert entry.path.samefile(source)
    source.unlink()
    assert gzip.decompress(entry.read()) == b'{"kind": "run"}\n'
    assert entry.read() == entry.read()


def test_what_is_no_entry_is_left_alone(tmp_path: Path) -> None:
    """Files of other names are neither told nor taken away; what a kill has left of ours is."""
    folder = tmp_path / "outbox"
    folder.mkdir()
    for name in ("note", "0000000001-xyz-beat", "1-9f3c-beat", "0000000009-9f3c-beat-notahexname"):
        (folder / name).write_bytes(b"?")
    (folder / ".0000000003-9f3c-beat.edgectl-new").write_bytes(b"half")
    assert Queue(folder, BUDGET).entries() == []
    assert Queue(folder, BUDGET).put(BEAT, says("b")).n == 1
    assert not list(folder.glob(".*"))


def test_an_empty_outbox_is_none(tmp_path: Path) -> None:
    """No folder, no entries, nothing to sync."""
    assert (entries(tmp_path / "none"), settled(tmp_path / "none")) == ([], [])


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "full"])
def test_no_fault_leaves_half_an_entry(tmp_path: Path, kill: bool) -> None:  # noqa: FBT001 - a table's column
    """Law: killed, or out of space, at any operation: what is there is whole, and the next number is a new one.

    Seeded: a write under the entry's own name.
    """
    at = 0
    while True:
        folder = tmp_path / f"{kill}-{at}"
        queue, source = Queue(folder / "outbox", BUDGET), folder / "journal"
        folder.mkdir()
        source.write_bytes(b"journal")
        queue.put(BEAT, says("first"))
        disk = Disk(at, kill=kill)
        with disk.armed():
            try:
                queue.put(VERDICT, says("whole"), run="3f92")
                queue.put_file(JOURNAL, source, run="3f92")
                queue.put(BEAT, says("whole"))
            except (Killed, OSError):
                pass
        for entry in queue.entries()[1:]:
            assert (gzip.decompress(entry.read()) if entry.kind == JOURNAL else entry.read()) in {
                b"journal",
                f"whole {entry.box} {entry.n}".encode(),
            }
        seen = [entry.n for entry in queue.entries()]
        assert queue.put(BEAT, says("last")).n == max(seen) + 1
        assert not list((folder / "outbox").glob(".*"))
        if not disk.reached:
            assert at > 10
            return
        at += 1


def test_a_full_disk_takes_details_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: where nothing can be written, journals whose bytes lie nowhere else give way to how the store stands."""
    queue, source = Queue(tmp_path / "outbox", BUDGET), tmp_path / "journal"
    source.write_bytes(b"journal")
    queue.put_file(JOURNAL, source, run="a")
    source.unlink()
    source.write_bytes(b"another")
    queue.put_file(JOURNAL, source, run="b")
    queue.put(BEAT, says("first"))
    full = [True]

    def write(path: Path, data: bytes, **how: int) -> None:
        if full and full.pop():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomic(path, data, **how)

    monkeypatch.setattr("edgectl.node.outbox.queue.write_atomic", write)
    queue.put(BEAT, says("second"))
    assert [(entry.kind, entry.run) for entry in queue.entries()] == [(JOURNAL, "b"), (BEAT, ""), (BEAT, "")]
