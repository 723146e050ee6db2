"""The two sessions that steps are given: Look reads, Hands also write.

Owns: which verbs a probe has. A probe gets a Look, which has no writing method.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io import files, programs
from edgectl.node.io.api import ReadApi, WriteApi
from edgectl.node.io.database import copy_database
from edgectl.node.io.places import Places

PROBE_SECONDS = 20.0

_FIRST_PROCESS = Path("/proc/1/stat")


class Look:
    """Read files, run programs that only read, ask the API."""

    def __init__(self, places: Places, *, keep_fds: Sequence[int] = ()) -> None:
        self.places = places
        self.api = ReadApi(places)
        self._keep_fds = tuple(keep_fds)

    def text(self, path: Path) -> str | None:
        """Return a file's text; None when it is not there."""
        try:
            return path.read_bytes().decode(errors="replace")  # line ends as they are
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LookFailed(f"{path} cannot be read: {error.strerror}") from error

    def names(self, folder: Path) -> tuple[str, ...]:
        """Return the names in a folder; none when it is not there."""
        try:
            return tuple(sorted(path.name for path in folder.iterdir()))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise LookFailed(f"{folder} cannot be read: {error.strerror}") from error

    def mode(self, path: Path) -> int | None:
        """Return a file's permission bits; None when it is not there."""
        try:
            return path.stat().st_mode & 0o7777
        except (FileNotFoundError, NotADirectoryError):
            return None

    def entry(self, path: Path) -> os.stat_result | None:
        """Return what is called so, a link itself and not what it leads to; None when nothing is."""
        try:
            return path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LookFailed(f"{path} cannot be looked at: {error.strerror}") from error

    def digest(self, path: Path) -> str | None:
        """Return the digest of a file's bytes; None when it is not there."""
        try:
            return files.sha256_of(path)
        except OSError as error:
            raise LookFailed(f"{path} cannot be read: {error.strerror}") from error

    def run(self, *argv: str, limit_seconds: float = PROBE_SECONDS, stdin: bytes = b"") -> programs.Ran:
        """Run a program that only reads. One that cannot be ended (a hung driver) does not keep the store's lock."""
        return programs.run(argv, limit_seconds=limit_seconds, stdin=stdin)

    def unit(self, name: str) -> dict[str, str]:
        """Return systemd's properties of a unit that steps judge by."""
        names = "LoadState,ActiveState,SubState,MainPID,UnitFileState,NeedDaemonReload,NRestarts,Result,Job"
        ran = self.run("systemctl", "show", name, f"--property={names}")
        if not ran.ok:
            raise LookFailed(f"systemd does not tell about {name}: {ran.last_words}", evidence=ran.evidence())
        return dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)

    def processes(self) -> dict[int, tuple[int, bytes]]:
        """Return pid -> (parent, command line with NULs) of all that run."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError, ValueError):  # it has ended meanwhile
                    after = (folder / "stat").read_text().rpartition(")")[2].split()
                    found[int(folder.name)] = (int(after[1]), (folder / "cmdline").read_bytes())
        return found

    def free_bytes(self, path: Path) -> int:
        """Return what root may still write on a path's file system."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def is_read_only(self, path: Path) -> bool:
        """Tell whether a path's file system takes no writes."""
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)

    def boot_id(self) -> str:
        """Return the kernel's id of this boot; kubelet reports the same as nodeInfo.bootID."""
        return (self.text(Path("/proc/sys/kernel/random/boot_id")) or "").strip()

    def booted_at(self) -> float:
        """Return when this boot's first process began, in seconds of the wall clock as it is now.

        Not the kernel's own start: a node in a container boots many times under one kernel.
        """
        return time.time() - self.up_seconds()

    def up_seconds(self) -> float:
        """Return how long ago this boot's first process began, by a clock that nobody sets."""
        first = _FIRST_PROCESS.read_text().rpartition(")")[2].split()
        ticks = int(first[19])  # starttime, field 22 of proc_pid_stat(5), in ticks since the kernel's start
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


class Hands(Look):
    """All of Look, and the writing verbs."""

    api: WriteApi

    def __init__(self, places: Places, *, keep_fds: Sequence[int] = ()) -> None:
        super().__init__(places, keep_fds=keep_fds)
        self.api = WriteApi(places)

    def write(self, path: Path, text: str, *, mode: int = 0o644) -> None:
        """Replace a file durably."""
        files.write_atomic(path, text.encode(), mode=mode)

    def copy(self, source: Path, path: Path, *, mode: int) -> None:
        """Replace a file by a copy, durably."""
        files.copy_atomic(source, path, mode=mode)

    def link(self, path: Path, target: str) -> None:
        """Put a symbolic link in the place of whatever is called so, durably."""
        files.link_atomic(path, target)

    def own_folder(self, path: Path, *, below: Path, owner: int, mode: int) -> None:
        """Make a folder and those on the way to it where they are missing, and give it to a user; links are errors."""
        files.own_folder(path, below=below, owner=owner, mode=mode)

    def copy_database(self, source: Path, path: Path) -> None:
        """Copy an SQLite database that may be in use, durably, and check the copy."""
        copy_database(source, path)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone is fine."""
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            files.sync_dir(path.parent)

    def rename(self, path: Path, new: Path) -> None:
        """Rename a file or folder, durably."""
        path.rename(new)
        files.sync_dir(path.parent)

    def kill(self, pid: int) -> None:
        """End a process at once; one that is gone is fine."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def change(
        self, *argv: str, limit_seconds: float, stdin: bytes = b"", cwd: str = "/", keeps_lock: bool = True
    ) -> programs.Ran:
        """Run a program that changes something; while it lives, nobody else changes this store (unless told so)."""
        keep = self._keep_fds if keeps_lock else ()
        return programs.run(argv, limit_seconds=limit_seconds, stdin=stdin, keep_fds=keep, cwd=cwd)
