"""What somebody may do to an audit: each of these is found, with the file and the line, and since when.

The chain is one that `Chain` has written; whoever tampers here may write right hashes, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.audit.check import BROKEN, REMARK, Checked, Seen, check
from edgectl.wire.audit import Chain, Clock, Head, digest, parts, read
from edgectl.wire.document import canonical

LINES = 40
Lines = list[bytes]


@dataclass
class Told:
    """An audit in its files, and the heads that the other side has written down."""

    files: dict[str, Lines]
    seen: list[Seen] = field(default_factory=list)

    @property
    def all(self) -> Lines:
        """Return all lines."""
        return [line for lines in self.files.values() for line in lines]

    def checked(self) -> Checked:
        """Check it."""
        files = [(name, b"".join(line + b"\n" for line in lines)) for name, lines in self.files.items()]
        return check(files, store="store-042", node="node-1", seen=self.seen)


def written(folder: Path, *, store: str = "store-042", chain_bytes: int = 3000) -> Told:
    """Write one."""
    chain = Chain(folder, Clock(lambda: "boot-1", lambda: 5.0), part_bytes=chain_bytes, keep=20)
    for number in range(LINES):
        by = {"from": "ada@laptop", "key": "SHA256:a", "proof": "authorized"}
        chain.add("deploy", phase="accepted", by=by, store=store, node="node-1", sequence=number + 1)
    files = {path.name: path.read_bytes().split(b"\n")[:-1] for path in parts(folder)}
    told = Told(files)
    for number, when in ((10, "t1"), (25, "t2"), (len(told.all), "t3")):
        record, line = read(told.all[number - 1]), told.all[number - 1]
        assert record is not None
        told.seen.append(Seen(Head(record["chain"], record["n"], digest(line)), f"here:{number}", when))
    return told


def newest(told: Told) -> Lines:
    """Return the lines of the newest file."""
    return told.files["audit.jsonl"]


def changed(line: bytes, **fields: Any) -> bytes:
    """Return a line that says something else."""
    return canonical({**json.loads(line), **fields})


def chained(lines: Lines, start: int = 0) -> None:
    """Give every line from one on the hash of the one before it, as whoever knows how would."""
    for number in range(start + 1, len(lines)):
        lines[number] = changed(lines[number], prev=digest(lines[number - 1]))


def rechained(told: Told, number: int, **fields: Any) -> None:
    """Change one line and write everything behind it again."""
    lines = told.all
    lines[number] = changed(lines[number], **fields)
    chained(lines, number)
    at = 0
    for name, had in told.files.items():
        told.files[name] = lines[at : at + len(had)]
        at += len(had)


def _change(told: Told) -> None:
    newest(told)[2] = changed(newest(told)[2], sequence=999)


def _outcome(told: Told) -> None:
    newest(told)[2] = changed(newest(told)[2], outcome={"word": "ready", "exit": 0})


def _who(told: Told) -> None:
    newest(told)[2] = changed(newest(told)[2], by={"from": "eve@desk", "key": "SHA256:e", "proof": "sshd"})


def _space(told: Told) -> None:
    newest(told)[2] = newest(told)[2].replace(b":", b": ", 1)


def _remove(told: Told) -> None:
    del newest(told)[2]


def _remove_and_number(told: Told) -> None:
    lines = newest(told)
    del lines[2]
    for number in range(2, len(lines)):
        lines[number] = changed(lines[number], n=json.loads(lines[number])["n"] - 1)
    chained(lines, 1)


def _swap(told: Told) -> None:
    lines = newest(told)
    lines[2], lines[3] = lines[3], lines[2]


def _twice(told: Told) -> None:
    newest(told).insert(2, newest(told)[2])


def _repeat(told: Told) -> None:
    newest(told).append(newest(told)[1])


def _insert(told: Told) -> None:
    lines = newest(told)
    new = changed(lines[2], by={"from": "eve@desk"}, n=json.loads(lines[2])["n"] + 1, prev=digest(lines[2]))
    lines.insert(3, new)


def _cut_tail(told: Told) -> None:
    del newest(told)[-1:]


def _cut_whole(told: Told) -> None:
    told.files.clear()


def _empty(told: Told) -> None:
    for lines in told.files.values():
        lines.clear()


def _replace_head(told: Told) -> None:
    newest(told)[-1] = changed(newest(told)[-1], by={"from": "eve@desk"})


def _rebuild(told: Told) -> None:
    rechained(told, 5, by={"from": "eve@desk"})


def _rebuild_anew(told: Told) -> None:
    lines = told.all
    for number, line in enumerate(lines):
        lines[number] = changed(line, chain="0" * 16)
    chained(lines)
    told.files = {"audit.jsonl": lines}


def _clock(told: Told) -> None:
    rechained(told, 30, time="2001-01-01T00:00:00.000+00:00")


def _torn(told: Told) -> None:
    newest(told)[2] = newest(told)[2][:40]


def _torn_end(told: Told) -> None:
    newest(told)[-1] = newest(told)[-1][:40]


def _said_torn(told: Told) -> None:
    """Somebody takes a line away and says, with a right hash, that it was torn."""
    lines = newest(told)
    n = json.loads(lines[1])["n"]
    lines[2] = changed(lines[2], what="torn", torn="0" * 64, bytes=40, n=n + 1, prev=digest(lines[1]))
    chained(lines, 2)


def _part(told: Told) -> None:
    del told.files[sorted(told.files)[1]]


def _first_part(told: Told) -> None:
    del told.files[min(told.files)]


def _order(told: Told) -> None:
    names = list(told.files)
    told.files = {name: told.files[name] for name in [names[1], names[0], *names[2:]]}


def _unsealed(told: Told) -> None:
    name = next(iter(told.files))
    last = told.files[name][-1]
    told.files[name][-1] = changed(last, what="deploy")


def _foreign(told: Told, folder: Path) -> None:
    told.files = written(folder / "other", store="store-043").files


def _foreign_file(told: Told, folder: Path) -> None:
    other = written(folder / "other")
    name = list(told.files)[1]
    told.files[name] = other.files[name]


def _back(told: Told) -> None:
    """Put an old copy of the whole folder back, and go on from there."""
    lines = told.all[:20]
    more = changed(lines[-1], n=21, prev=digest(lines[-1]), what="deploy", sequence=700)
    told.files = {"audit.jsonl": [*lines, more]}


TAMPERINGS: dict[str, tuple[Callable[..., None], str]] = {
    "line changed": (_change, "is not what it was when"),
    "outcome changed": (_outcome, "is not what it was when"),
    "who changed": (_who, "is not what it was when"),
    "blanks changed": (_space, "is not written as edgectl writes"),
    "line removed": (_remove, "are not here"),
    "line removed, the rest numbered and chained": (_remove_and_number, "its end is gone"),
    "lines swapped": (_swap, "are not here"),
    "line twice": (_twice, "stands here twice"),
    "old line at the end": (_repeat, "repeated, or out of order"),
    "line put in, right by itself": (_insert, "out of order"),
    "end cut off": (_cut_tail, "its end is gone"),
    "all of it gone": (_cut_whole, "nothing is here"),
    "all of it emptied": (_empty, "nothing is here"),
    "last line replaced": (_replace_head, "is not the one that was seen"),
    "written again from a line on": (_rebuild, "is not the one that was seen"),
    "written again from the start": (_rebuild_anew, "has begun anew"),
    "clock moved back, and written again": (_clock, "is not the one that was seen"),
    "line torn": (_torn, "the next one does not say that it was torn"),
    "end torn": (_torn_end, "the last line is torn"),
    "line taken for torn": (_said_torn, "that one is not here"),
    "file missing": (_part, "are not here"),
    "oldest file missing": (_first_part, "are not here"),
    "files in another order": (_order, "out of order"),
    "seal removed": (_unsealed, "is not what it was when"),
    "another store's": (_foreign, "speaks of the store store-043"),
    "another audit's file": (_foreign_file, "is of another audit"),
    "an old copy put back": (_back, "its end is gone"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_it_is_found(tmp_path: Path, name: str) -> None:
    """Law: it is named, with file and line, and the time until which the audit can be believed."""
    told = written(tmp_path / "audit")
    tamper, sentence = TAMPERINGS[name]
    tamper(told, tmp_path) if tamper in {_foreign, _foreign_file} else tamper(told)
    checked = told.checked()
    broken = [one for one in checked.findings if one.weight == BROKEN]
    assert any(sentence in one.sentence for one in broken), broken
    assert all(one.where.rpartition(":")[2].isdecimal() for one in broken)


def test_nothing_is_found_where_nothing_was_done(tmp_path: Path) -> None:
    """The counterpart, without which the table says nothing; and there are twenty of them at least."""
    told = written(tmp_path / "audit")
    assert len(told.files) > 3
    assert told.checked().findings == []
    assert len(TAMPERINGS) >= 20


def test_it_says_since_when(tmp_path: Path) -> None:
    """Law: what was before the first break can be believed; its last time is said."""
    told = written(tmp_path / "audit")
    _change(told)
    (first, *_) = told.checked().findings
    number = told.all.index(newest(told)[2])
    assert first.since == json.loads(told.all[number])["time"]
    assert first.where == "audit.jsonl:4"


def test_a_clock_that_goes_back_is_said(tmp_path: Path) -> None:
    """A node's clock may be wrong: no line is doubted for it, but the times are."""
    told = written(tmp_path / "audit")
    told.seen.clear()
    _clock(told)
    checked = told.checked()
    assert checked.is_whole
    assert [(one.weight, "the clock went back here" in one.sentence) for one in checked.findings] == [(REMARK, True)]
