"""The record of what a node has told: each entry once and whole, whatever strikes."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.control.collect.record import Record, Told
from edgectl.wire.beat import Beat, encode
from edgectl.wire.errors import EdgectlError, NotReady
from tests.unit.node.faults import Disk, Killed, sweep

BEAT = encode(Beat("store-042", "node-1", "9f3c", 3, "3f925d", 1, 0, "ready", 5, 10, 0, 1, 1, 40))
ALL = (
    Told(1, "9f3c", "beat", "", BEAT),
    Told(2, "9f3c", "verdict", "3f92", b'{"word":"ready"}\n'),
    Told(3, "9f3c", "journal", "3f92", gzip.compress(b'{"kind": "run"}\n')),
)


def record(folder: Path) -> Record:
    """Open it anew, as another command does."""
    return Record(folder / "store-042" / "node-1", "store-042", "node-1")


def whole(folder: Path) -> list[tuple[str, int]]:
    """Return what is there, as (kind, number); fails on anything that is not whole."""
    found = []
    place = folder / "store-042" / "node-1"
    for kind in ("beat", "verdict"):
        path = place / f"{kind}s.jsonl"
        text = path.read_bytes() if path.exists() else b""
        found += [(kind, json.loads(line)["n"]) for line in text.rpartition(b"\n")[0].splitlines()]
    for path in (place / "journals").glob("*.jsonl"):
        assert path.read_bytes() == b'{"kind": "run"}\n'
        found.append(("journal", int(path.name.partition("-")[0])))
    return found


def keep(found: Record) -> list[bool]:
    """Keep all of it."""
    with found.held():
        return [found.keep(told, got="now") for told in ALL]


def test_the_same_again_is_nothing_new(tmp_path: Path) -> None:
    """Law: an entry that comes twice, in the same command or another, is there once."""
    one = record(tmp_path)
    assert keep(one) == [True, True, True]
    assert keep(one) == [False, False, False]
    assert keep(record(tmp_path)) == [False, False, False]
    assert whole(tmp_path) == [("beat", 1), ("verdict", 2), ("journal", 3)]
    assert record(tmp_path).have() == ("9f3c", {"beat": 1, "verdict": 2, "journal": 3})


def test_no_fault_loses_or_doubles_one(tmp_path: Path) -> None:
    """Law: killed or out of space at any operation: what is there is whole, and the next collect completes it.

    Seeded: a line that is appended behind half a line.
    """

    def attempt(disk: Disk, number: int) -> bool:
        folder = tmp_path / f"{disk.kills}-{number}"
        with disk.armed(), suppress(Killed, OSError):
            keep(record(folder))
        whole(folder)
        keep(record(folder))
        assert sorted(whole(folder)) == [("beat", 1), ("journal", 3), ("verdict", 2)]
        return disk.reached

    assert sweep(attempt) > 20


def test_another_box_begins_anew(tmp_path: Path) -> None:
    """A node made anew counts from one again."""
    keep(record(tmp_path))
    anew = record(tmp_path)
    assert anew.keep(Told(1, "aaaa", "beat", "", BEAT), got="now")
    assert anew.have() == ("aaaa", {"beat": 1})
    again = record(tmp_path)
    assert again.have() == ("aaaa", {"beat": 1, "journal": 0})


def test_a_newer_form_is_kept_as_it_came(tmp_path: Path) -> None:
    """What this edgectl cannot read is still a record."""
    found = record(tmp_path)
    with found.held():
        found.keep(Told(1, "9f3c", "beat", "", b"edgectl=2 heat=40\n"), got="now")
        found.keep(Told(2, "9f3c", "verdict", "", b"word: ready"), got="now")
    assert found.newest()["line"] == "edgectl=2 heat=40"
    assert record(tmp_path).have() == ("9f3c", {"beat": 1, "verdict": 2, "journal": 0})


@pytest.mark.parametrize(
    ("n", "box", "kind", "run"),
    [
        (0, "9f3c", "beat", ""),
        (1, "../x", "beat", ""),
        (1, "9f3c", "../../etc", ""),
        (1, "9f3c", "journal", "../x"),
        (10**10, "9f3c", "beat", ""),
    ],
)
def test_a_name_that_is_none_is_refused(n: int, box: str, kind: str, run: str) -> None:
    """Law: files are called after entries, so no entry has a path for a name."""
    with pytest.raises(NotReady):
        Told(n, box, kind, run, b"")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no gzip", "damaged"),
        (gzip.compress(b"x" * 1000)[:-9], "cut"),
        (gzip.compress(b"\0" * (20 << 20)), "larger than any node writes"),
    ],
    ids=["damaged", "cut", "bomb"],
)
def test_a_bad_journal_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    """It is not kept, and the next collect asks for it again."""
    found = record(tmp_path)
    with found.held(), pytest.raises(EdgectlError, match=why):
        found.keep(Told(3, "9f3c", "journal", "3f92", data), got="now")
    assert record(tmp_path).have() == ("", {"journal": 0})
