"""The journal: what a run said, one fsynced JSON line each, one file a run.

Owns: run ids, bounded size, reading at an offset. Evidence, never memory: nothing reads it to decide what to do.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edgectl.wire.document import canonical, to_json
from edgectl.wire.event import Event

KEEP_RUNS = {"deploy": 40, "heal": 40}  # of each kind; heals must not push deploys out
_NAME_PARTS = 3


class Journal:
    """Writes one run's file. Claiming the file (O_EXCL) is what makes the run id ours."""

    def __init__(self, folder: Path, run: str, kind: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.run = run
        self.path = folder / f"{_stamp(folder)}-{kind}-{run}.jsonl"
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        except FileExistsError:
            raise  # somebody else's run
        except OSError:  # a full or read-only disk costs the evidence, not the heal
            self._fd = os.open(os.devnull, os.O_WRONLY)
        self._torn = False
        self._monotonic = monotonic
        self._began = monotonic()
        _prune(folder, kind)

    def write(self, kind: str, **fields: Any) -> Event:
        """Add one event and make it durable; a full disk never stops a run."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        event = Event(self.run, kind, round(self._monotonic() - self._began, 3), now, **fields)
        line = canonical({key: value for key, value in to_json(event).items() if value not in ("", [], {})}) + b"\n"
        if self._torn:
            line = b"\n" + line
        self._torn = True  # until all of it is written: a line behind half a line would be lost with it
        try:
            self._torn = os.write(self._fd, line) < len(line)
            os.fdatasync(self._fd)
        except OSError:  # a disk that is full must not stop a heal; the verdict also goes to the unit's log
            return event
        return event

    def close(self) -> None:
        """End the file."""
        os.close(self._fd)


def find(folder: Path, run: str) -> Path | None:
    """Return a run's file by its id or the beginning of it; None when there is none."""
    return next((path for path in runs(folder) if _parts(path)[-1].startswith(run)), None) if run else None


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


def _prune(folder: Path, kind: str) -> None:
    for old in runs(folder, kind)[KEEP_RUNS.get(kind, 20) :]:
        old.unlink(missing_ok=True)
