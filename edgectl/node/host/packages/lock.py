"""Who holds dpkg's lock now: the kernel says, for locks of fcntl(2).

Nothing of this takes the lock, or waits for it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from edgectl.node.host.packages.installed import database
from edgectl.node.io.look import Look

_FLOCK = "@hhqqi0q"  # struct flock of 64-bit Linux: type, whence, start, length, pid
_NAMES = ("lock-frontend", "lock")
_SHOWN = 80


def holder(read: Look) -> str:
    """Return who holds it ("pid 812: /usr/bin/unattended-upgrade"); "" when nobody does."""
    for name in _NAMES:
        pid = held_by(database(read.places) / name)
        if pid is not None:
            _, command = read.processes().get(pid, (0, b""))
            shown = " ".join(command.decode(errors="replace").replace("\0", " ").split())[:_SHOWN]
            return f"pid {pid}: {shown}" if shown else f"pid {pid}"
    return ""


def held_by(path: Path) -> int | None:
    """Return the process that has locked a file (0: one outside of this node); None when nobody has."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # it was never made: nobody has ever worked here
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else int(pid)
