"""A bundle in a folder, on a stick that nobody vouches for.

Owns: how its files are opened. Links lead elsewhere, pipes and devices never end: none of them is followed or read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.node.load.source import CHUNK
from edgectl.wire.errors import NotReady, Refused, UsageError

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_NOT_THERE = frozenset({errno.ENOENT})
_NO_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR, errno.ENODEV})


class Folder:
    """One folder; the way to it may lead over links, what is in it may not."""

    kind = "stick"

    def __init__(self, root: Path) -> None:
        self._root = root
        self.name = str(root)
        if not root.is_dir():
            raise UsageError(f"there is no folder {root}", hint="is the stick mounted? lsblk shows sticks: mount it")

    def small(self, path: str, most: int) -> bytes | None:
        """Return a whole small file, None when there is none."""
        with self._reading(path), self._opened(path) as fd:
            if fd is None:
                return None
            data = b""
            while len(data) <= most and (piece := os.read(fd, most + 1 - len(data))):
                data += piece
        if len(data) > most:
            raise Refused(f"{self._root / path} is longer than {most} bytes", hint="export to the stick anew")
        return data

    def read(self, path: str, *, size: int, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a file from an offset on."""
        with self._reading(path), self._opened(path) as fd:
            if fd is None:
                raise Refused(f"{self._root} does not hold all: {path} is missing", hint=_HINT)
            if (found := os.fstat(fd).st_size) != size:
                raise Refused(f"{self._root / path} has {found} bytes, not {size}", hint=_HINT)
            while offset < size:
                piece = os.pread(fd, min(CHUNK, size - offset), offset)
                if not piece:
                    raise NotReady(f"{self._root / path} has ended at byte {offset}", hint=_AGAIN)
                offset += len(piece)
                yield piece

    @contextmanager
    def _opened(self, path: str) -> Iterator[int | None]:
        """Give a descriptor of a plain file, None when there is none."""
        *folders, name = path.split("/")
        try:
            at = os.open(self._root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
            try:
                for folder in folders:
                    inner = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=at)
                    os.close(at)
                    at = inner
                # named, not opened: to open a device does something (a watchdog begins to count), a pipe would wait
                found = os.open(name, _FLAGS | os.O_PATH, dir_fd=at)
            finally:
                os.close(at)
        except OSError as error:
            if error.errno in _NOT_THERE:
                yield None
                return
            raise
        try:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise Refused(f"{self._root / path} is no plain file", hint=_HINT)
            fd = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(found)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Turn what the stick says against reading into a sentence."""
        try:
            yield
        except OSError as error:
            if error.errno in _NO_FILE:
                raise Refused(f"{self._root / path} is no plain file: {error.strerror}", hint=_HINT) from error
            raise NotReady(f"{self._root / path} cannot be read: {error.strerror}", hint=_AGAIN) from error


_HINT = "export to the stick anew; edgectl bundle verify says all that is wrong with one"
_AGAIN = (
    "plug the stick in again and run the same command; what has been copied is kept. If it happens twice: another one"
)
