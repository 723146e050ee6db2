"""The proof that one engine runs: a flock that every child inherits, gone with the last of them.

Owns: the lock file and the note beside it that says who holds it. No lease, no clock, nothing to force open.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from edgectl.wire.document import canonical


class Lock:
    """Hold the store's lock; `holder` describes the run for whoever meets it."""

    def __init__(self, folder: Path, holder: dict[str, Any]) -> None:
        self._path = folder / "lock"
        self._holder = holder
        self.fd = -1

    def acquire(self) -> bool:
        """Take the lock if it is free."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self.fd = fd
        try:
            self.describe()
        except OSError:  # a full tmpfs: who cannot say who it is does not hold up others
            self.release()
            raise
        return True

    def describe(self, **more: Any) -> None:
        """Say (more) about the run for whoever meets it."""
        self._holder = {**self._holder, **more}
        note = canonical(self._holder)
        os.pwrite(self.fd, note, 0)
        os.ftruncate(self.fd, len(note))

    def release(self) -> None:
        """Let go. A child that still runs keeps it."""
        if self.fd >= 0:
            with suppress(OSError):
                os.ftruncate(self.fd, 0)
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(folder: Path) -> dict[str, Any] | None:
    """Return who holds the lock now; None when nobody does."""
    try:
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with suppress(ValueError):
                doc = json.loads(os.pread(fd, 64 * 1024, 0) or b"{}")
                if isinstance(doc, dict):
                    return doc
            return {}
        return None
    finally:
        os.close(fd)
