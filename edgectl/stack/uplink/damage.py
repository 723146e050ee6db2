"""What a disk that does not do its part means, and where a damaged file goes.

Owns: the sentence for each error of SQLite and of the system; files that are moved aside, the two newest kept.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_KEPT = 2


class StoreFailed(Exception):
    """Nothing was kept, in one sentence. `damaged`: the file itself is, waiting is of no use."""

    def __init__(self, sentence: str, *, damaged: bool = False) -> None:
        super().__init__(sentence)
        self.damaged = damaged


def judge(error: Exception, path: Path) -> StoreFailed:
    """Return what has failed."""
    name = getattr(error, "sqlite_errorname", "")
    number = getattr(error, "errno", None)
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"} or name.startswith("SQLITE_CORRUPT_"):
        return StoreFailed(f"{path} is damaged ({error})", damaged=True)
    if name == "SQLITE_FULL" or number in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFailed(f"the disk of {path} is full: nothing more is kept")
    if name.startswith("SQLITE_READONLY") or number == errno.EROFS:
        return StoreFailed(f"{path} cannot be written (read-only): nothing more is kept")
    if name.startswith("SQLITE_CANTOPEN") or number in {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR}:
        return StoreFailed(f"{path} cannot be opened or made: is its disk there, and may this user write to it?")
    if name.startswith("SQLITE_IOERR") or number == errno.EIO:
        return StoreFailed(f"the disk of {path} answers with an error ({name or error})")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreFailed(f"{path} is locked by another process")
    return StoreFailed(f"{path}: {error}")


def move_aside(path: Path) -> str:
    """Give a damaged file, whole, another name beside it; the oldest of those go. Returns the name."""
    numbers = sorted(number for number in map(_number, path.parent.glob(f"{path.name}.corrupt-*")) if number)
    new = path.with_name(f"{path.name}.corrupt-{numbers[-1] + 1 if numbers else 1}")
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    for suffix in ("", "-wal"):  # the file first: a log without one is thrown away by SQLite, never taken for another's
        if path.with_name(path.name + suffix).exists():
            path.with_name(path.name + suffix).rename(new.with_name(new.name + suffix))
    for number in numbers[: max(len(numbers) + 1 - _KEPT, 0)]:
        for suffix in ("", "-wal"):
            path.with_name(f"{path.name}.corrupt-{number}{suffix}").unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return new.name


def _number(path: Path) -> int:
    digits = path.name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
