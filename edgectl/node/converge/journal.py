"""The journal: what a run said, one fsynced JSON line each, one file a run.

Owns: run ids, bounded size, reading at an offset. Evidence, never memory: nothing reads it to decide what to do.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edgectl.wire.document import canonical, to_json
from edgectl.wire.event import STEP, Event

KEEP_RUNS = {"deploy": 40, "heal": 40, "watchdog": 40, "chain": 40}  # of each kind; heals must not push deploys out
MOST_BYTES = 2_000_000  # of one run; a whole first deploy writes about 20 KB
_KEEP_FULL = 5  # runs that stay when the disk is full
_NAME_PARTS = 3


class Journal:
    """Writes one run's file. Claiming the file (O_EXCL) is what makes the run id ours.

    `goes_on`: the run was cut; its file, where that is still there, is added to, and its time goes on.

    A full disk never stops a run: old runs give way, and where that does not help, the file lies in `spare`.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        kind: str,
        *,
        spare: Path | None = None,
        goes_on: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run = run
        self._folder = folder
        self._monotonic = monotonic
        self._began = monotonic()
        self._torn = False
        self._bytes = 0
        if goes_on and self._take_up(folder):
            return
        try:
            self._claim(folder, kind)
        except FileExistsError:
            raise  # somebody else's run
        except OSError:
            _prune(folder, keep=_KEEP_FULL)
            try:
                self._claim(spare or folder, kind)
            except OSError:  # that costs the evidence, not the heal
                self._fd = os.open(os.devnull, os.O_WRONLY)
        _prune(folder, kind, keep=KEEP_RUNS.get(kind, 20))

    def write(self, kind: str, **fields: Any) -> Event:
        """Add one event and make it durable."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        event = Event(self.run, kind, round(self._monotonic() - self._began, 3), now, **fields)
        if self._bytes > MOST_BYTES and kind == STEP:
            return event  # a step that never rests must not fill the disk; verdict and notes are still told
        line = canonical({key: value for key, value in to_json(event).items() if value not in ("", [], {})}) + b"\n"
        try:
            self._append(line)
        except OSError:
            _prune(self._folder, keep=_KEEP_FULL, but=self.path)
            with suppress(OSError):  # the verdict also goes to the unit's log
                self._append(line)
        return event

    def _claim(self, folder: Path, kind: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{_stamp(folder)}-{kind}-{self.run}.jsonl"
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)

    def _take_up(self, folder: Path) -> bool:
        """Open the run's file at its end; False where it is gone."""
        found = find(self.run, folder)
        if found is None:
            return False
        try:
            self._fd = os.open(found, os.O_WRONLY | os.O_APPEND)
            data = found.read_bytes()
        except OSError:
            return False
        self.path, self._bytes, self._torn = found, len(data), data[-1:] not in {b"", b"\n"}
        self._began -= max((float(item.get("at", 0)) for item, _ in _lines(data, 0)), default=0.0)
        return True

    def _append(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        self._torn = True  # until all of it is written: a line behind half a line would be lost with it
        count = os.write(self._fd, line)
        self._bytes += count
        if count < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False
        os.fdatasync(self._fd)

    def close(self) -> None:
        """End the file."""
        os.close(self._fd)


def find(run: str, *folders: Path) -> Path | None:
    """Return a run's file by its id or the beginning of it; None when there is none."""
    if not run:
        return None
    found = (path for folder in folders for path in runs(folder) if _parts(path)[-1].startswith(run))
    return next(found, None)


def newest(*folders: Path) -> Path | None:
    """Return the file of the newest run."""
    return max((path for folder in folders for path in runs(folder)[:1]), key=lambda path: path.name, default=None)


def runs(folder: Path, kind: str = "") -> list[Path]:
    """Return the runs' files, newest first."""
    found = [path for path in folder.glob("*.jsonl") if len(_parts(path)) == _NAME_PARTS] if folder.is_dir() else []
    return sorted((path for path in found if not kind or _parts(path)[1] == kind), reverse=True)


def read(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return the whole lines from an offset on, and the offset behind them. A torn last line is left for later."""
    data = _whole_lines(path, offset)
    return [doc for doc, _ in _lines(data, offset)], offset + len(data)


def follow(path: Path, offset: int) -> list[tuple[dict[str, Any], int]]:
    """Return like `read`, but each line with the offset behind it: where to go on if the link breaks there."""
    return list(_lines(_whole_lines(path, offset), offset))


def _whole_lines(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def _lines(data: bytes, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    for line in data.split(b"\n")[:-1]:
        offset += len(line) + 1
        try:
            doc = json.loads(line)
        except ValueError:  # a line torn by a power cut: evidence is lost, nothing else
            continue
        if isinstance(doc, dict):
            yield doc, offset


_STAMP = "%Y%m%dT%H%M%S.%f"


def _stamp(folder: Path) -> str:
    """Return a name that sorts behind all others: also when the clock has gone back, a new run is the newest."""
    now = datetime.now(timezone.utc).strftime(_STAMP)
    newest = next((_parts(path)[0] for path in runs(folder)), "")
    if now > newest:
        return now
    try:
        after = datetime.strptime(newest, _STAMP).replace(tzinfo=timezone.utc) + timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return now
    return after.strftime(_STAMP)


def _parts(path: Path) -> list[str]:
    return path.name.removesuffix(".jsonl").split("-")


def _prune(folder: Path, kind: str = "", *, keep: int, but: Path | None = None) -> None:
    for old in runs(folder, kind)[keep:]:
        if old != but:
            with suppress(OSError):
                old.unlink(missing_ok=True)
