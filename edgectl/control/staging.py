"""Files that appear whole or not at all: written beside their place, synced, renamed.

Owns the staging of files on the operator's machine. Must not know what they hold.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgectl.wire.errors import UsageError

LINE_BYTES = 64 << 10  # more than any line of a file that only grows


def tried(target: Path, option: str) -> None:
    """Raise UsageError where no file could appear; leaves nothing but the folder. `option` has named it."""
    hint = f"name a file in a folder of yours: {option} FILE"
    try:
        if target.exists() and not target.is_file():
            raise UsageError(f"{option}: {target} is no file", hint=hint)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise UsageError(f"{option}: {target} cannot be written: {os.strerror(error.errno or 0)}", hint=hint) from error


@contextmanager
def staged(target: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes `target` when the block ends well; nothing is left when it does not.

    The folder is made where it is missing. Two writers at once do not meet: the later rename wins, whole.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".staging-")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def move_synced(source: Path, target: Path, *, mode: int = 0o644) -> None:
    """Give a file of the same file system its place, once its bytes are on the disk."""
    with source.open("rb") as stream:
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    source.replace(target)
    sync_folder(target.parent)


def append_lines(path: Path, data: bytes) -> None:
    """Add whole lines durably, behind the last whole one: what a kill has left of another is cut off first."""
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - LINE_BYTES, 0))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut, a rename for one."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
