"""The queue of what waits to be told: one file an entry, ordered by a number that never goes back.

Owns: the files' names, which are all the memory there is, and what goes first where it becomes too much: the oldest
journals, then old beats, verdicts last. Whoever puts entries in holds the node's lock. Must not know what they say.
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.io.files import sync_dir, write_atomic

BEAT, VERDICT, JOURNAL = "beat", "verdict", "journal"
KINDS = (BEAT, VERDICT, JOURNAL)
MOST_ENTRIES = 4000
_BLOCK_BYTES = 4096  # the least that a file takes of a disk
_NAME = re.compile(r"(\d{10})-([0-9a-f]{4})-(beat|verdict|journal)(?:-([0-9a-f]{1,16}))?")
_LEFT = ".*.edgectl-new"  # what a kill has left of a file that was about to be written


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the queue. `box` names the queue that has counted `n`."""

    n: int
    box: str
    kind: str
    run: str
    path: Path
    size: int = 0  # as it lies on the disk

    @property
    def id(self) -> str:
        """Its name for whoever may get it twice."""
        return f"{self.box}-{self.n}"

    def read(self) -> bytes:
        """Return its bytes as they travel, a journal packed; nothing when it is gone, or nothing but a name."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return b""
        return gzip.compress(data, mtime=0) if self.kind == JOURNAL and data else data


class Queue:
    """The entries of one folder."""

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes

    def entries(self) -> list[Entry]:
        """Return all of them, oldest first; what bears another name is no entry."""
        return entries(self._folder)

    def put(self, kind: str, make: Callable[[str, int], bytes], *, run: str = "") -> Entry:
        """Add an entry; `make(box, n)` gives its bytes. OSError when the disk does not take it."""
        entry = self._next(kind, run)
        data = make(entry.box, entry.n)
        try:
            write_atomic(entry.path, data, mode=0o640)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self._give_way()
            write_atomic(entry.path, data, mode=0o640)
        self._cap()
        return entry

    def put_file(self, kind: str, source: Path, *, run: str = "") -> Entry:
        """Add a file that is written no more: another name of the same bytes, which then lie there once."""
        entry = self._next(kind, run)
        self._folder.mkdir(parents=True, exist_ok=True)
        os.link(source, entry.path)
        sync_dir(self._folder)
        self._cap()
        return entry

    def drop(self, gone: Iterable[Entry]) -> None:
        """Take entries away, but never those that the count stands on: the newest of all, and the newest beat."""
        stays = {entry.n for entry in pillars(self.entries())}
        for entry in gone:
            if entry.n not in stays:
                with suppress(OSError):  # the next one tries again
                    entry.path.unlink(missing_ok=True)

    def _next(self, kind: str, run: str) -> Entry:
        last = self.entries()[-1:]
        n, box = (last[0].n + 1, last[0].box) if last else (1, secrets.token_hex(2))
        for left in self._folder.glob(_LEFT):
            left.unlink(missing_ok=True)
        name = f"{n:010d}-{box}-{kind}" + (f"-{run}" if run else "")
        return Entry(n, box, kind, run, self._folder / name)

    def _cap(self) -> None:
        self.drop(surplus(self.entries(), self._budget_bytes))

    def _give_way(self) -> None:
        """Make room on a full disk: the details go whose bytes lie nowhere else."""
        self.drop(entry for entry in self.entries() if entry.kind == JOURNAL and _links(entry.path) == 1)


def entries(folder: Path) -> list[Entry]:
    """Return the entries of a folder, oldest first."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as files:
        for file in files:
            if match := _NAME.fullmatch(file.name):
                with suppress(FileNotFoundError):  # told and gone, this very moment
                    size = file.stat(follow_symlinks=False).st_size
                    n, box, kind, run = match.groups(default="")
                    found.append(Entry(int(n), box, kind, run, folder / file.name, size))
    return sorted(found, key=lambda entry: entry.n)


def settled(folder: Path) -> list[Entry]:
    """Return the entries that no power cut can take back: a number that was told once is never given again."""
    found = entries(folder)
    if found:
        sync_dir(folder)
    return found


def pillars(found: list[Entry]) -> list[Entry]:
    """Return what is never taken away: the newest, by which the next one is counted, and the newest beat."""
    return [*found[-1:], *[entry for entry in found if entry.kind == BEAT][-1:]]


def surplus(found: list[Entry], budget_bytes: int, most: int = MOST_ENTRIES) -> list[Entry]:
    """Return what must go so that the rest fits: the oldest detail first, verdicts last."""
    stays = {entry.n for entry in pillars(found)}
    total, count = sum(map(cost, found)), len(found)
    gone: list[Entry] = []
    for kind in (JOURNAL, BEAT, VERDICT):
        for entry in found:
            if total <= budget_bytes and count <= most:
                return gone
            if entry.kind == kind and entry.n not in stays:
                gone.append(entry)
                total, count = total - cost(entry), count - 1
    return gone


def cost(entry: Entry) -> int:
    """Return what an entry takes of the disk, in bytes."""
    return max(-(-entry.size // _BLOCK_BYTES), 1) * _BLOCK_BYTES


def _links(path: Path) -> int:
    try:
        return path.stat().st_nlink
    except OSError:
        return 0
