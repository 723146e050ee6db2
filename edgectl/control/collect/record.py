"""What one node has told, as files that only grow: beats.jsonl, verdicts.jsonl, journals/.

Owns: their form, and that they themselves say how far this record is: nothing beside them can disagree with them.
A line is there whole or not at all; what a kill has left of one is cut off before the next. Must not know links.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgectl.control.staging import LINE_BYTES, append_lines, sync_folder
from edgectl.wire.beat import Beat, decode
from edgectl.wire.document import canonical
from edgectl.wire.errors import Locked, NotReady

KINDS = ("beat", "verdict", "journal")
_MOST_BYTES = 16 << 20  # of one journal, unpacked: a node writes 2 MB at most
_BOX = re.compile(r"[0-9a-f]{4}")
_RUN = re.compile(r"[0-9a-f]{0,16}")
_JOURNAL = re.compile(r"(\d{10})-([0-9a-f]{4})(?:-[0-9a-f]{1,16})?\.jsonl")


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as it came over the link."""

    n: int
    box: str
    kind: str
    run: str
    data: bytes

    def __post_init__(self) -> None:
        """Refuse what is no name: files are called after it."""
        known = self.kind in KINDS and 0 < self.n < 10**10
        if not (known and _BOX.fullmatch(self.box) and _RUN.fullmatch(self.run)):
            raise NotReady("the node tells of something that this edgectl does not know", hint="use a matching edgectl")


class Record:
    """One node's folder. One collect at a time writes it."""

    def __init__(self, folder: Path, store: str, node: str) -> None:
        self.folder = folder
        self._about = {"store": store, "node": node}
        self._have: tuple[str, dict[str, int]] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other collects out; raises Locked."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Locked(f"another collect writes {self.folder}", hint="wait until it has ended") from error
            yield
        finally:
            os.close(descriptor)

    def have(self) -> tuple[str, dict[str, int]]:
        """Return the box that has told last, and the newest number of each kind that is here of it."""
        if self._have is None:
            self._have = self._looked()
        return self._have

    def keep(self, told: Told, *, got: str) -> bool:
        """Add an entry; False when it is here already. `got` is the time here."""
        box, after = self.have()
        if told.box == box and told.n <= after.get(told.kind, 0):
            return False
        if told.kind == "journal":
            self._keep_journal(told)
        else:
            said = _beat(told.data) if told.kind == "beat" else _document(told.data)
            doc = {**said, **self._about, "box": told.box, "n": told.n, "got": got}
            append_lines(self._lines(told.kind), canonical(doc) + b"\n")
        self._have = (told.box, {**(after if told.box == box else {}), told.kind: told.n})
        return True

    def newest(self) -> dict[str, Any]:
        """Return the newest beat of this record, {} where there is none."""
        return _last(self._lines("beat"))

    def newest_deploy(self) -> dict[str, Any]:
        """Return the end of the newest deploy of this record, {} where there is none among the last verdicts."""
        lines = _tail(self._lines("verdict")).splitlines()
        found = (_document(line) for line in reversed(lines))
        return next((doc for doc in found if doc.get("kind") == "deploy"), {})

    def _looked(self) -> tuple[str, dict[str, int]]:
        last = {kind: _last(self._lines(kind)) for kind in ("beat", "verdict")}
        journals = sorted(match for path in self._journals.glob("*.jsonl") if (match := _parts(path.name)))
        boxes = [str(last[kind].get("box", "")) for kind in last] + [box for _, box in journals[-1:]]
        box = next((found for found in boxes if found), "")
        after = {kind: int(doc.get("n", 0)) for kind, doc in last.items() if doc.get("box") == box}
        after["journal"] = max((n for n, of in journals if of == box), default=0)
        return box, after

    @property
    def _journals(self) -> Path:
        return self.folder / "journals"

    def _lines(self, kind: str) -> Path:
        return self.folder / f"{kind}s.jsonl"

    def _keep_journal(self, told: Told) -> None:
        path = self._journals / (f"{told.n:010d}-{told.box}" + (f"-{told.run}" if told.run else "") + ".jsonl")
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(_unpacked(told.data))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)


def _beat(data: bytes) -> dict[str, Any]:
    try:
        found: Beat = decode(data)
    except ValueError:  # of a newer engine: kept as it came
        return {"line": data.decode("ascii", "replace").strip()}
    said = asdict(found)
    return {("for" if key == "held" else key): value for key, value in said.items()}


def _document(data: bytes) -> dict[str, Any]:
    try:
        doc = json.loads(data)
    except ValueError:
        doc = None
    return doc if isinstance(doc, dict) else {"line": data.decode("utf-8", "replace").strip()}


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise NotReady(f"a journal came damaged: {error}", hint="run the same command again") from error
    if not unpacker.eof:
        raise NotReady("a journal came cut, or larger than any node writes", hint="run the same command again")
    return text


def _last(path: Path) -> dict[str, Any]:
    """Return the last whole line."""
    whole = _tail(path)
    return _document(whole.rpartition(b"\n")[2]) if whole else {}


def _tail(path: Path) -> bytes:
    """Return the last whole lines, without the newline of the last one; the first may be cut."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LINE_BYTES, 0))
            return file.read().rpartition(b"\n")[0]
    except FileNotFoundError:
        return b""


def _parts(name: str) -> tuple[int, str] | None:
    found = _JOURNAL.fullmatch(name)
    return (int(found[1]), found[2]) if found else None
