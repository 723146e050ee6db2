"""A disk whose N-th operation fails, or before which the program is killed: the sweep of "fail until none is left".

Counts every call that changes a file or makes it durable. A write that fails has written half. After a kill nothing
more happens: no `finally` of a dead process runs.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_CALLS = (
    *("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate", "fchmod", "chmod"),
    *("replace", "rename", "symlink", "link", "unlink", "mkdir", "rmdir"),
)


class Killed(BaseException):
    """The power goes here."""


class Disk:
    """Fails (`kill=False`) or dies (`kill=True`) at operation `at`, counted from 0."""

    def __init__(self, at: int, *, kill: bool) -> None:
        self._at = at
        self._kill = kill
        self._dead = False
        self.done: list[tuple[str, str]] = []
        self.hit = ""  # what the fault was about

    @property
    def kills(self) -> bool:
        """It dies rather than fails."""
        return self._kill

    @property
    def reached(self) -> bool:
        """It came to the fault; when it did not, the sweep is over."""
        return self._dead

    @contextmanager
    def armed(self) -> Iterator[Disk]:
        """Count and fail in here only."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _CALLS:
                patch.setattr(os, name, self._counted(name, getattr(os, name)))
            patch.setattr(io, "open", self._opened(io.open))
            patch.setattr(os, "fdopen", self._opened(os.fdopen))
            yield self

    def step(self, name: str, subject: object, before: Callable[[], object] = lambda: None) -> None:
        """Count one operation; raises when it is the one."""
        if self._dead and self._kill:
            raise Killed
        if len(self.done) == self._at and not self._dead:
            self._dead, self.hit = True, str(subject)
            before()
            if self._kill:
                raise Killed
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(subject))
        self.done.append((name, str(subject)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.step(name, args[0])
            return real(*args, **options)

        return call

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real(file, mode, *args, **options)
            if not isinstance(file, int):
                self.step("create", file)
            return _File(self, real(file, mode, *args, **options))

        return opened


class _File:
    """A file that is written through the disk."""

    def __init__(self, disk: Disk, real: Any) -> None:
        self._disk = disk
        self._real = real

    def write(self, data: bytes) -> int:
        """Write all, or half and fail."""
        self._disk.step("write", self._real.name, lambda: self._real.write(data[: len(data) // 2]))
        return int(self._real.write(data))

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def sweep(attempt: Callable[[Disk, int], bool]) -> int:
    """Call `attempt(disk, n)` for each way to fail, until no operation is left; returns how many faults there were.

    `attempt` returns whether its fault was reached; both a failing disk and a kill are tried at each operation.
    """
    faults = 0
    for kill in (False, True):
        for number in range(500):
            if not attempt(Disk(number, kill=kill), number):
                break
            faults += 1
        else:
            raise AssertionError("the sweep does not end")
    return faults
