"""A node's disk: copying, mounting, freezing, and taking its power away.

Owns: loop devices and ext4's own switches. Must not know what is on the disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.wire.errors import StepFailed

_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878  # linux/fs.h
_EXT4_IOC_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2  # fs/ext4/ext4.h: EXT4_GOING_FLAGS_NOLOGFLUSH


def copy_disk(source: Path, target: Path) -> None:
    """Copy a sparse disk; shares blocks where the host's file system can. The target appears whole or not at all."""
    staged = target.with_suffix(".new")
    run(["cp", "--sparse=always", "--reflink=auto", source, staged], timeout_seconds=600)
    staged.replace(target)


def loops_of(disk: Path) -> tuple[str, ...]:
    """Return the loop devices that have this file open, mounted or not."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            name = backing.read_text().strip().removesuffix(" (deleted)")
        except OSError:
            continue  # went away while we looked
        if name == str(disk):
            found.append(backing.parent.parent.name)
    return tuple(found)


def mount_disk(disk: Path, root: Path) -> None:
    """Mount a disk; refused while a loop device still holds it, since two mounts of one disk destroy it."""
    deadline = time.monotonic() + 20
    while held := loops_of(disk):
        if time.monotonic() > deadline:
            raise StepFailed(
                f"{disk} is still in use by {', '.join(held)}.",
                hint="edgectl sandbox clean frees what crashed runs left.",
            )
        time.sleep(0.05)
    root.mkdir(exist_ok=True)
    run(["mount", "-t", "ext4", "-o", "loop", disk, root])


def unmount_disk(root: Path) -> None:
    """Unmount a disk; busy for a moment after its processes were killed."""
    deadline = time.monotonic() + 20
    while (done := run(["umount", root], check=False)).code != 0:
        if time.monotonic() > deadline:
            raise StepFailed(f"{root} could not be unmounted.", details=done.evidence())
        time.sleep(0.05)


def shut_down(mounted: Path) -> None:
    """Stop the file system as a power cut does: from now on nothing is written, the journal's open part included."""
    with _directory(mounted) as fd:
        fcntl.ioctl(fd, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))


@contextmanager
def frozen(mounted: Path) -> Iterator[None]:
    """Keep a mounted disk whole and unchanged, as a snapshot needs it; its writers wait."""
    with _directory(mounted) as fd:
        fcntl.ioctl(fd, _FIFREEZE, 0)
        try:
            yield
        finally:
            try:
                fcntl.ioctl(fd, _FITHAW, 0)
            except OSError as error:
                if error.errno != errno.EINVAL:  # somebody else has thawed it
                    raise


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)
