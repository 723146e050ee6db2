"""An older set of first-boot files, kept aside on the medium while a new one takes its place.

Owns: that one of the two is whole on the medium, wherever it is pulled out. While `edgectl-before` is there, the older
set is in it; a new one in its place is whole where it has its README.txt. While `edgectl-moving` is there, the older
set lies partly in it, and partly in its place. A FAT stick can do no more than rename.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from edgectl.control.firstboot.files import NAMES
from edgectl.control.staging import sync_folder

MOVING, BEFORE, GONE = OURS = ("edgectl-moving", "edgectl-before", "edgectl-gone")


def places(folder: Path) -> tuple[Path, ...]:
    """Return where a set may lie that is somebody's."""
    return folder, folder / BEFORE, folder / MOVING


def put_aside(folder: Path) -> None:
    """Move the set that lies there aside, README.txt first: without it a set is none."""
    found = [name for name in reversed(NAMES) if (folder / name).is_file()]
    if not found:
        return
    moving = folder / MOVING
    moving.mkdir(exist_ok=True)
    _move(found, folder, moving)
    moving.rename(folder / BEFORE)
    sync_folder(folder)


def put_back(folder: Path) -> None:
    """Let the older set be there again, where a newer one has not taken its place to the end."""
    before, moving = folder / BEFORE, folder / MOVING
    if before.is_dir():
        for name in reversed(NAMES):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        before.rename(moving)
    if moving.is_dir():
        _move([name for name in NAMES if (moving / name).is_file()], moving, folder)
        _end(moving)
    _end(folder / GONE)


def end(folder: Path) -> None:
    """Take the older set away: the new one is whole, and on the medium."""
    before, gone = folder / BEFORE, folder / GONE
    if before.is_dir():
        before.rename(gone)
        sync_folder(folder)
    _end(gone)


def _move(names: list[str], source: Path, target: Path) -> None:
    for name in names:
        (target / name).parent.mkdir(exist_ok=True)
        (source / name).replace(target / name)
        sync_folder((target / name).parent)
        sync_folder((source / name).parent)


def _end(folder: Path) -> None:
    """Remove a folder of ours, and of what is in it only what a set can have."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
    for inner in {Path(name).parent for name in NAMES} - {Path()}:
        with suppress(OSError):
            (folder / inner).rmdir()
    with suppress(FileNotFoundError):
        folder.rmdir()
