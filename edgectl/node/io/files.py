"""Files that are old or new, never torn: write, fsync, rename, fsync the directory.

Must not know what is written. Raises OSError only.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

_CHUNK = 1024 * 1024


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a file durably. The temporary name is fixed, so a kill leaves at most one to overwrite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.edgectl-new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - one call, one meaning, as the docstring names it
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def unlink_synced(path: Path) -> None:
    """Take a file away durably, where it is there."""
    if path.exists():
        path.unlink()
        sync_dir(path.parent)


def link_atomic(path: Path, target: str) -> None:
    """Point a symbolic link elsewhere durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.edgectl-new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_dir(path.parent)


def copy_atomic(source: Path, path: Path, *, mode: int) -> None:
    """Replace a (large) file by a copy, durably, in constant memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.edgectl-new")
    try:
        with source.open("rb") as have:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
            with os.fdopen(descriptor, "wb") as new:
                while chunk := have.read(_CHUNK):
                    new.write(chunk)
                new.flush()
                os.fchmod(new.fileno(), mode)
                os.fsync(new.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def own_folder(path: Path, *, below: Path, owner: int, mode: int) -> None:
    """Make a folder and those between `below` and it, durably, and give it to a user and his group.

    Goes down from one open folder to the next: a link on the way, put there at any moment, is an OSError.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    here = os.open(below, flags)
    try:
        for name in path.relative_to(below).parts:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=here)
                os.fsync(here)
            there = os.open(name, flags, dir_fd=here)
            os.close(here)
            here = there
        os.fchown(here, owner, owner)
        os.fchmod(here, mode)
        os.fsync(here)
    finally:
        os.close(here)


def sync_dir(path: Path) -> None:
    """Make renames in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str | None:
    """Return the digest of a file's bytes as `sha256:<hex>`; None when it is not there."""
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                total.update(chunk)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return f"sha256:{total.hexdigest()}"
