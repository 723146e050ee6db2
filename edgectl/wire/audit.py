"""An audit: who asked for what, and what came of it; one canonical JSON line each, each naming the line before it.

Owns: a line's form, how lines are chained, and the folder of files that they lie in. What was written is never changed:
a line that a kill has torn stays, and the next one says so. Must not know what is audited.
Raises OSError where the disk does not take a line.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgectl.wire.document import canonical

VERSION = 1
BEGUN, SEALED, GOES_ON, TORN = "begun", "sealed", "goes-on", "torn"  # of the chain itself
PART_BYTES = 256 << 10
KEEP_PARTS = 15  # beside the one that is written: 4 MB in all, some 9000 lines
NEWEST = "audit.jsonl"
_TAIL_BYTES = 16 << 10  # more than any line
_LOCK_TRIES, _LOCK_SECONDS = 200, 0.05


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a chain: whoever has seen it knows everything before it."""

    chain: str
    n: int
    line: str  # sha256 of its bytes, in hex

    def __str__(self) -> str:
        """Return it as it crosses the link."""
        return f"{self.chain}:{self.n}:{self.line}"

    @classmethod
    def of(cls, text: str) -> Head | None:
        """Read what crossed the link; None where it is no head."""
        found = re.fullmatch("([^:]+):([0-9]{1,15}):(.{64})", text)
        return cls(found[1], int(found[2]), found[3]) if found else None


def digest(line: bytes) -> str:
    """Return what the next line calls this one (its bytes without the newline)."""
    return hashlib.sha256(line).hexdigest()


def read(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None where it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("n"), int) or not isinstance(found.get("chain"), str):
        return None
    return found


def parts(folder: Path) -> list[Path]:
    """Return a chain's files, oldest first; the one that is written is the last."""
    found = sorted(path for path in folder.glob("audit-*.jsonl") if path.stem[6:].isdecimal())
    newest = folder / NEWEST
    return [*found, newest] if newest.exists() else found


def head(folder: Path) -> Head | None:
    """Return the last whole line of a chain; None where there is none, or it cannot be read."""
    for path in reversed(parts(folder)):
        with suppress(OSError):
            for line in reversed(_tail(path).split(b"\n")[:-1]):
                if (record := read(line)) is not None:
                    return Head(record["chain"], record["n"], digest(line))
    return None


@dataclass(frozen=True, slots=True)
class Clock:
    """When a line is written: by the wall, and by what nobody can set."""

    boot: Callable[[], str] = lambda: ""
    up: Callable[[], float] = time.monotonic

    def stamp(self) -> dict[str, Any]:
        """Return it as it stands in a line."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return {"time": now, "boot": self.boot(), "up": round(self.up(), 1)}


class Chain:
    """One chain in its folder. Several programs may write it; each line is durable when `add` returns."""

    def __init__(self, folder: Path, clock: Clock, *, part_bytes: int = PART_BYTES, keep: int = KEEP_PARTS) -> None:
        self._folder = folder
        self._clock = clock
        self._part_bytes = part_bytes
        self._keep = keep

    def add(self, what: str, **fields: Any) -> Head:
        """Add a line; what is empty is left out."""
        with self._held():
            file = _File(self._folder / NEWEST)
            try:
                last = self._taken_up(file)
                if file.size > self._part_bytes or (last and last[1].get("what") == SEALED):
                    last = self._turn(file, last)
                if last is None:
                    last = self._put(file, None, BEGUN, {})
                return self._head(self._put(file, last, what, fields))
            finally:
                file.close()

    def _taken_up(self, file: _File) -> tuple[str, dict[str, Any]] | None:
        """Return the last whole line; what a kill has left behind it is ended, and said."""
        data = file.read()
        whole, _, torn = data.rpartition(b"\n")
        lines = [line for line in whole.split(b"\n") if line]
        last = next(((digest(line), found) for line in reversed(lines) if (found := read(line)) is not None), None)
        if last is None:
            last = self._before()
        if torn:
            file.append(b"\n")
            if (found := read(torn)) is not None:  # all of it but its end: it counts
                return digest(torn), found
        elif lines and read(lines[-1]) is None:
            torn = lines[-1]  # killed between ending it and saying so
        if torn:
            last = self._put(file, last, TORN, {"torn": digest(torn), "bytes": len(torn)})
        return last

    def _before(self) -> tuple[str, dict[str, Any]] | None:
        found = head(self._folder)
        return None if found is None else (found.line, {"chain": found.chain, "n": found.n, "what": SEALED})

    def _turn(self, file: _File, last: tuple[str, dict[str, Any]] | None) -> tuple[str, dict[str, Any]] | None:
        """Seal what is full, and go on in a new file, which says from which line on all is kept; the oldest goes."""
        if last is not None and last[1].get("what") != SEALED:
            last = self._put(file, last, SEALED, {})
        old = self._folder / NEWEST
        if file.size:
            first = next((found["n"] for line in file.read().split(b"\n") if (found := read(line))), 0)
            old.rename(self._folder / f"audit-{first:010d}.jsonl")
            _sync(self._folder)
            file.open()
        sealed = [path for path in parts(self._folder) if path.name != NEWEST]
        gone, stay = sealed[: -self._keep], sealed[-self._keep :]
        last = self._put(file, last, GOES_ON, {"from": int(stay[0].stem[6:]) if stay else 0})
        for path in gone:
            path.unlink(missing_ok=True)
        return last

    def _put(
        self, file: _File, last: tuple[str, dict[str, Any]] | None, what: str, fields: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        begun: tuple[str, dict[str, Any]] = ("", {"chain": secrets.token_hex(8), "n": 0})
        before, record = last or begun
        new = {key: value for key, value in fields.items() if value not in ("", [], {}, (), None)}
        new |= {"v": VERSION, "chain": record["chain"], "n": record["n"] + 1, "prev": before, "what": what}
        new |= {key: value for key, value in self._clock.stamp().items() if value != ""}
        line = canonical(new)
        file.append(line + b"\n")
        return digest(line), new

    @staticmethod
    def _head(last: tuple[str, dict[str, Any]]) -> Head:
        return Head(last[1]["chain"], last[1]["n"], last[0])

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for left in reversed(range(_LOCK_TRIES)):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if not left:
                        raise
                    time.sleep(_LOCK_SECONDS)
            yield
        finally:
            os.close(descriptor)


class _File:
    """The file that lines are added to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self.open()

    def open(self) -> None:
        """Open it, anew where it has got another name."""
        self.close()
        is_new = not self._path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, 0o600)
        self.size = self._path.stat().st_size
        if is_new:
            _sync(self._path.parent)

    def read(self) -> bytes:
        """Return all of it."""
        return self._path.read_bytes()

    def append(self, data: bytes) -> None:
        """Add bytes durably."""
        count = os.write(self._fd, data)
        self.size += count
        if count < len(data):
            raise OSError(28, os.strerror(28))
        os.fsync(self._fd)

    def close(self) -> None:
        """Let go of it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
        return file.read()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
