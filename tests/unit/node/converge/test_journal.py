"""The journal: whole lines, offsets to go on from, a bounded number of runs."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.converge import journal
from edgectl.node.converge.journal import Journal
from edgectl.wire import event


def lines(count: int) -> bytes:
    """Return so many journal lines."""
    return b"".join(b'{"n":%d,"text":"\\u2028 x"}\n' % number for number in range(count))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Each event on a line of its own, without what is empty, in order, with seconds since the run began."""
    clock = iter([100.0, 100.5, 102.0])
    written = Journal(tmp_path, "abcd", "deploy", monotonic=lambda: next(clock))
    written.write(event.RUN, reason="deploy", data={"sequence": 3})
    written.write(event.STEP, step="k3s", word=event.OK)
    written.close()
    found, offset = journal.read(written.path, 0)
    assert [(item["kind"], item["at"]) for item in found] == [("run", 0.5), ("step", 2.0)]
    assert found[0]["data"] == {"sequence": 3}
    assert "evidence" not in found[1]
    assert offset == written.path.stat().st_size


@given(cut=st.integers(min_value=0, max_value=200), at=st.integers(min_value=0, max_value=200))
def test_a_torn_last_line_is_left_for_later(tmp_path_factory: pytest.TempPathFactory, cut: int, at: int) -> None:
    """Wherever the writer stands, a reader gets whole lines once each, and goes on where it was."""
    whole = lines(7)
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    path.write_bytes(whole[:cut])
    first, offset = journal.read(path, 0)
    path.write_bytes(whole[: cut + at])
    second, offset = journal.read(path, offset)
    path.write_bytes(whole)
    third, offset = journal.read(path, offset)
    assert [item["n"] for item in [*first, *second, *third]] == list(range(7))
    assert offset == len(whole)


def test_every_event_has_the_offset_behind_it(tmp_path: Path) -> None:
    """A link that breaks at any event goes on with the next one: none twice, none left out."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(lines(5))
    pairs = journal.follow(path, 0)
    assert [item["n"] for item, _ in pairs] == [0, 1, 2, 3, 4]
    for item, behind in pairs:
        assert [later["n"] for later, _ in journal.follow(path, behind)] == list(range(item["n"] + 1, 5))


def test_noise_in_the_middle_costs_its_line_only(tmp_path: Path) -> None:
    """A power cut may leave zeros where a line was."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(lines(1) + b"\0\0\0\n[]\n" + lines(1) + b"{torn")
    assert [item["n"] for item in journal.read(path, 0)[0]] == [0, 0]


def test_a_run_that_is_gone_reads_empty(tmp_path: Path) -> None:
    """The journal is evidence: its loss stops nobody."""
    assert journal.read(tmp_path / "none.jsonl", 7) == ([], 7)
    assert journal.runs(tmp_path / "none") == []
    assert journal.find("abcd", tmp_path / "none") is None


def test_a_run_id_is_claimed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two engines with one id: the second is refused by the file system."""
    monkeypatch.setattr(journal, "_stamp", lambda _: "20260101T000000.000000")
    Journal(tmp_path, "abcd", "heal").close()
    with pytest.raises(FileExistsError):
        Journal(tmp_path, "abcd", "heal")


def test_runs_are_found_newest_first_and_by_the_beginning_of_their_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As people type them; files of others in the folder do not count."""
    stamps = iter(["20260101T000000.000001", "20260101T000000.000002"])
    monkeypatch.setattr(journal, "_stamp", lambda _: next(stamps))
    old, new = Journal(tmp_path, "aaaa1111", "deploy"), Journal(tmp_path, "bbbb2222", "heal")
    (tmp_path / "notes.jsonl").write_text("")
    assert journal.runs(tmp_path) == [new.path, old.path]
    assert journal.runs(tmp_path, "deploy") == [old.path]
    assert journal.find("aaaa", tmp_path) == old.path
    assert journal.find("", tmp_path) is None
    assert journal.find("1111", tmp_path) is None


@pytest.mark.parametrize("newest", ["20991231T235959.999999", "garbage"])
def test_a_new_run_is_the_newest_also_when_the_clock_went_back(tmp_path: Path, newest: str) -> None:
    """A node that wakes up in 1970 does not hide its runs behind those of last year."""
    (tmp_path / f"{newest}-heal-0000.jsonl").write_text("")
    begun = Journal(tmp_path, "abcd", "heal")
    if newest != "garbage":
        assert journal.runs(tmp_path)[0] == begun.path
    assert journal.find("abcd", tmp_path) == begun.path


def test_a_disk_that_cannot_take_a_journal_stops_no_heal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence is lost, the run is not."""
    real = os.open

    def full(path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_EXCL:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        written = Journal(tmp_path, "abcd", "heal")
    assert written.write(event.NOTE, reason="said to nobody").reason
    written.close()
    assert journal.runs(tmp_path) == []


def test_heals_do_not_push_deploys_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind keeps its own number of runs; the newest stay."""
    stamps = (f"20260101T000000.{number:06d}" for number in range(10_000))
    monkeypatch.setattr(journal, "_stamp", lambda _: next(stamps))
    first = Journal(tmp_path, "feed0000", "deploy")
    for number in range(100):
        Journal(tmp_path, f"{number:08x}", "heal").close()
    heals = journal.runs(tmp_path, "heal")
    assert len(heals) == journal.KEEP_RUNS["heal"]
    assert heals[0].name.endswith(f"{99:08x}.jsonl")
    assert journal.runs(tmp_path, "deploy") == [first.path]


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_full_disk_never_stops_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """The event is returned all the same, and later ones are written when there is room again."""
    written = Journal(tmp_path, "abcd", "heal")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        assert written.write(event.NOTE, reason="lost").reason == "lost"
    written.write(event.NOTE, reason="kept")
    assert journal.read(written.path, 0)[0][-1]["reason"] == "kept"


def test_half_a_line_does_not_swallow_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up takes half a line: the next event is a line of its own again."""
    written = Journal(tmp_path, "abcd", "heal")
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        written.write(event.NOTE, reason="half")
    written.write(event.VERDICT, reason="whole")
    assert [item["reason"] for item in journal.read(written.path, 0)[0]] == ["whole"]


def test_lines_are_one_json_object_each(tmp_path: Path) -> None:
    """Readable by any program, a newline in a reason included."""
    written = Journal(tmp_path, "abcd", "heal")
    written.write(event.NOTE, reason="a\nb")
    assert json.loads(written.path.read_bytes().splitlines()[0])["reason"] == "a\nb"


@pytest.mark.parametrize("torn", [b"", b'{"at": 9, "ki'])
def test_a_run_that_was_cut_goes_on_in_its_file(tmp_path: Path, torn: bytes) -> None:
    """Law: no line is lost or read twice, half a line harms none behind it, and its time goes on."""
    now = [100.0]
    first = Journal(tmp_path, "ab12", "deploy", monotonic=lambda: now[0])
    first.write("run")
    now[0] += 7
    first.write("note", reason="before")
    first.close()
    with first.path.open("ab") as file:
        file.write(torn)
    before, offset = journal.read(first.path, 0)
    now[0] = 3.0  # of another boot
    second = Journal(tmp_path, "ab12", "deploy", goes_on=True, monotonic=lambda: now[0])
    second.write("note", reason="after")
    second.close()
    assert second.path == first.path
    after, _ = journal.read(first.path, offset)
    assert [item["kind"] for item in before] == ["run", "note"]
    assert [(item["reason"], item["at"]) for item in after] == [("after", 7.0)]
    assert b"\n\n" not in first.path.read_bytes()


def test_a_run_whose_file_is_gone_begins_another(tmp_path: Path) -> None:
    """Under its own name: whoever follows it finds it."""
    again = Journal(tmp_path, "ab12", "deploy", goes_on=True)
    again.write("run")
    again.close()
    assert journal.find("ab12", tmp_path) == again.path
