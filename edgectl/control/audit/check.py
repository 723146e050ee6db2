"""Whether an audit can be believed: each line held against the one before it, and against heads that were seen.

Owns: every way in which a chain can be wrong, in a sentence. Pure. Must not know where the files come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.audit.record import read
from edgectl.wire.audit import BEGUN, GOES_ON, SEALED, TORN, Head, digest
from edgectl.wire.document import canonical

BROKEN, REMARK = "broken", "remark"


@dataclass(frozen=True, slots=True)
class Seen:
    """A head that somebody else has written down, and where that stands."""

    head: Head
    where: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `since`: the time of the last line that can be believed; "" where none can."""

    weight: str
    where: str  # FILE:LINE
    sentence: str
    since: str = ""


@dataclass(slots=True)
class Checked:
    """What was found: all records that could be read, in their order, and what is wrong."""

    records: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)  # n -> the line's sha256
    chain: str = ""
    first: int = 0

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is broken."""
        return not any(finding.weight == BROKEN for finding in self.findings)


def check(files: Sequence[tuple[str, bytes]], *, store: str = "", node: str = "", seen: Iterable[Seen] = ()) -> Checked:
    """Check one chain's files, oldest first, as a whole."""
    reading = _Reading(store, node)
    for name, data in files:
        reading.file(name, data)
    reading.end(tuple(seen))
    return reading.checked


class _Reading:
    """Reads line by line; what it has believed last is what a finding counts from."""

    def __init__(self, store: str, node: str) -> None:
        self.checked = Checked()
        self._belongs = {"store": store, "node": node}
        self._last: dict[str, Any] = {}
        self._hash = ""
        self._believed = ""  # time of the last line before the first break
        self._torn: tuple[str, bytes] | None = None  # where, and its bytes: the next line must say so
        self._where = ""

    def file(self, name: str, data: bytes) -> None:
        """Read one file."""
        lines = data.split(b"\n")
        for number, line in enumerate(lines, start=1):
            self._where = f"{name}:{number}"
            is_whole = number < len(lines)
            if not line and not is_whole:
                break
            record = read(line) if is_whole else None
            if record is None:
                self._no_record(line)
            else:
                self._record(record, line)

    def _no_record(self, line: bytes) -> None:
        if self._torn is not None:
            self._break("no line of an audit", self._torn[0])
        self._torn = (self._where, line)

    def _record(self, record: dict[str, Any], line: bytes) -> None:
        what = record.get("what")
        if self._torn is not None:
            where, bytes_ = self._torn
            self._torn = None
            if what == TORN and record.get("torn") == digest(bytes_):
                self._say(REMARK, "a line was torn here, by a power cut or a kill; the next one says so", where)
            else:
                self._break("no line of an audit, and the next one does not say that it was torn", where)
        elif what == TORN:
            self._break(f"line {record['n']} says that one before it is torn, and that one is not here")
        for sentence in self._links(record, line):
            self._break(sentence)
        for sentence in self._misplaced(record, line):
            self._break(sentence)
        self._clock(record)
        if self.checked.is_whole:
            self._believed = str(record.get("time", ""))
        self.checked.chain = self.checked.chain or str(record["chain"])
        self.checked.first = self.checked.first or record["n"]
        self.checked.records.append({**record, "at": self._where})
        self._last, self._hash = record, digest(line)
        self.checked.heads[record["n"]] = self._hash

    def _links(self, record: dict[str, Any], line: bytes) -> Iterator[str]:
        """Yield how a line does not follow the one before it."""
        n, before = record["n"], self._last.get("n", 0)
        prev = str(record.get("prev", ""))
        if not self._last:
            if n == 1 and (prev or record.get("what") not in {BEGUN, TORN}):
                yield "the first line does not begin an audit"
            elif n != 1 and record.get("what") != GOES_ON:
                yield f"the audit begins with line {n}: what was before is not here"
            return
        if record["chain"] != self.checked.chain:
            yield f"line {n} is of another audit ({record['chain']}, not {self.checked.chain})"
        elif n == before and digest(line) == self._hash:
            yield f"line {n} stands here twice"
        elif n <= before:
            yield f"line {n} stands behind line {before}: repeated, or out of order"
        elif n > before + 1:
            yield f"lines {before + 1} to {n - 1} are not here"
        elif prev != self._hash:
            yield f"line {before} is not what it was when line {n} was written, or line {n} is put in"
        elif self._last.get("what") == SEALED and record.get("what") not in {GOES_ON, TORN}:
            yield f"the file was sealed by line {before}, and line {n} does not go on from there"

    def _misplaced(self, record: dict[str, Any], line: bytes) -> Iterator[str]:
        if canonical(record) != line:
            yield f"line {record['n']} is not written as edgectl writes"
        for name, expected in self._belongs.items():
            found = record.get(name)
            if expected and found and found != expected:
                yield f"line {record['n']} speaks of the {name} {found}, not of {expected}"

    def _clock(self, record: dict[str, Any]) -> None:
        now, before = str(record.get("time", "")), str(self._last.get("time", ""))
        if before and now < before:
            same = record.get("boot") == self._last.get("boot") and record.get("up", 0) >= self._last.get("up", 0)
            how = ", within one boot" if same else ""
            self._say(REMARK, f"the clock went back here, from {before} to {now}{how}: times before it may be wrong")

    def end(self, seen: Sequence[Seen]) -> None:
        """Judge what only the whole can tell."""
        if self._torn is not None:
            self._break("the last line is torn, and nothing after it says so", self._torn[0])
        kept = next((one for one in reversed(self.checked.records) if one.get("what") == GOES_ON), None)
        if kept is not None and self.checked.first > int(kept.get("from") or 0) and kept["n"] != self.checked.first:
            self._break(
                f"lines from {kept['from']} on were kept when line {kept['n']} was written, and those before "
                f"{self.checked.first} are not here",
                kept["at"],
            )
        for one in seen:
            self._held_against(one)

    def _held_against(self, one: Seen) -> None:
        head, has, last = one.head, self.checked.heads, self._last.get("n", 0)
        when = f" on {one.time}" if one.time else ""
        if not has:
            self._break(f"nothing is here, and line {head.n} was seen{when} ({one.where})", one.where)
        elif head.chain != self.checked.chain:
            self._break(
                f"this audit has begun anew: line {head.n} of another one was seen{when} ({one.where}). A new disk, a "
                "node made anew, or somebody has written it again",
                one.where,
            )
        elif head.n > last:
            self._break(f"it ends with line {last}, and line {head.n} was seen{when} ({one.where}): its end is gone")
        elif head.n in has and has[head.n] != head.line:
            at = next((record["at"] for record in self.checked.records if record["n"] == head.n), self._where)
            self._break(f"line {head.n} is not the one that was seen{when} ({one.where}): written again since", at)

    def _break(self, sentence: str, where: str = "") -> None:
        self._say(BROKEN, sentence, where)

    def _say(self, weight: str, sentence: str, where: str = "") -> None:
        finding = Finding(weight, where or self._where, sentence, self._believed if weight == BROKEN else "")
        if finding not in self.checked.findings:
            self.checked.findings.append(finding)
