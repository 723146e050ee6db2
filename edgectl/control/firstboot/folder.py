"""A set of first-boot files in a folder, which may be a stick: whole, or not there.

Owns whose a folder is, staging, modes, and what a file system without modes means. Must not know what is in the files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edgectl.control.firstboot import aside
from edgectl.control.firstboot.files import NAMES, README, mark
from edgectl.control.firstboot.machine import FirstBootFile
from edgectl.control.staging import sync_folder
from edgectl.wire.errors import InvalidInput

# What file systems and desktops leave on a stick that is empty to people
_NOTHING = frozenset(
    [
        *("lost+found", "System Volume Information", "$RECYCLE.BIN"),
        *(".Trashes", ".Spotlight-V100", ".fseventsd", ".DS_Store"),
    ]
)
_STAGING = ".edgectl-image-"
_OTHERS = 0o077


def check(folder: Path, title: str, *, force: bool) -> None:
    """Raise InvalidInput where something lies that is not the set of this machine, unless that may be written over."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder", hint="--to names a folder, or a file that ends in .iso")
    names = sorted(path.name for path in folder.iterdir() if path.name not in _NOTHING)
    names = [name for name in names if name not in aside.OURS and not name.startswith(_STAGING)]
    whose = next(filter(None, map(_whose, aside.places(folder))), "")
    if force or not (names or whose):
        return
    if whose == mark(title):
        return
    if whose:
        raise InvalidInput(
            f"{folder} holds the files of another machine: {whose.removeprefix(mark('')).strip()}",
            hint="their private host key may be nowhere else: name another folder, or --force to write over them",
        )
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")  # noqa: PLR2004 - enough to know it by
    raise InvalidInput(
        f"{folder} is not empty: {some}", hint="name an empty folder, or --force to put the files beside what is there"
    )


@contextmanager
def staged_set(folder: Path, files: Sequence[FirstBootFile]) -> Iterator[None]:
    """Write a set; it takes its place, and an older one's, when the block ends well. Else nothing of it is left.

    It is written beside, and the older one is put aside until it is there. README.txt goes first and comes last:
    without it a set is none, wherever the power was cut. No link, no owner and no mode is needed that a FAT stick does
    not have.
    """
    made = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    aside.put_back(folder)  # a set whose place another one had begun to take when the medium was pulled out
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
    placed: list[Path] = []
    try:
        for file in files:
            _write(staging / file.name, file)
        yield
        aside.put_aside(folder)
        for file in files:
            target = folder / file.name
            target.parent.mkdir(exist_ok=True)
            placed.append(target)
            (staging / file.name).replace(target)
            sync_folder(target.parent)
        sync_folder(folder)
    except BaseException:
        for path in placed:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):  # pulled out: the next command on this medium does it
            aside.put_back(folder)
        _without_empty(folder)
        with suppress(OSError):
            if made:
                folder.rmdir()
        raise
    with suppress(OSError):  # the set is whole and on the medium; what lies beside it, the next command takes away
        aside.end(folder)
        shutil.rmtree(staging)
        _without_empty(folder)
        sync_folder(folder)


def readable_by_others(folder: Path, files: Sequence[FirstBootFile]) -> bool:
    """Tell whether the private host key lies open to others: a FAT stick keeps no modes."""
    return any((folder / file.name).stat().st_mode & _OTHERS for file in files if file.private)


def _without_empty(folder: Path) -> None:
    """Take away the folders of a set that have nothing in them, as another system's set leaves them."""
    for parent in {Path(name).parent for name in NAMES} - {Path()}:
        with suppress(OSError):
            (folder / parent).rmdir()


def _write(path: Path, file: FirstBootFile) -> None:
    path.parent.mkdir(exist_ok=True)
    mode = 0o600 if file.private else 0o644
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(file.text.reveal().encode())
        stream.flush()
        with suppress(PermissionError):  # no modes on this file system
            os.fchmod(handle, mode)
        os.fsync(handle)


def _whose(folder: Path) -> str:
    """Return the mark of the set that lies there, "" where there is none."""
    try:
        line = (folder / README).read_text("utf-8").partition("\n")[0].strip()
    except (OSError, ValueError):
        return ""
    return line if line.startswith(mark("")) else ""
