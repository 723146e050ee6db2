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


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut, a rename for one."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
