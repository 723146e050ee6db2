"""Processes that outlive the command which started them, known by id and start time.

Owns: recording, recognising and ending them. A recorded id is never signalled unless the start time still fits,
so that a re-used process id is safe. Must not know what the processes do.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import edgectl


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this boot of the host: its id, and its start in clock ticks since boot (proc(5), field 22)."""

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the live process with this id; None when there is none, or only a zombie."""
        fields = _stat(pid)
        return None if fields is None or fields[0] == "Z" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if it still runs."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def gone_within(self, seconds: float) -> bool:
        """Wait for its end; False when it still runs at the deadline."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def children(pid: int) -> tuple[int, ...]:
    """Return the ids of a process's direct children."""
    try:
        return tuple(int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return ()


def record(path: Path, process: Process) -> None:
    """Write down a process; atomically, so that a reader never meets half a record."""
    staged = path.with_suffix(".new")
    staged.write_text(json.dumps(asdict(process)))
    staged.replace(path)


def recorded(path: Path) -> Process | None:
    """Return the process that was written down there if it still runs."""
    try:
        doc = json.loads(path.read_text())
        process = Process(int(doc["pid"]), int(doc["start"]))
    except (OSError, ValueError, KeyError):
        return None
    return process if process.alive else None


def detach(module: str, arguments: Sequence[str], log: Path, *, wrapper: Sequence[str] = ()) -> Process:
    """Start `python -m module` in a session of its own, its output appended to `log`, and nothing else of ours open.

    What this process was given by its caller (the lock of a flock(1), the pipe of a CI runner) would be held for as
    long as the store is up. `wrapper` is a program that ends in exec, so that the id stays the same (unshare does).
    """
    home = str(Path(edgectl.__file__).parent.parent)
    search = os.pathsep.join(word for word in (home, os.environ.get("PYTHONPATH", "")) if word)
    argv = [*wrapper, sys.executable, "-m", module, *arguments]
    # Not subprocess.Popen, which takes a process that outlives it for a mistake.
    pid = os.posix_spawnp(
        argv[0],
        argv,
        {**os.environ, "PYTHONPATH": search},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_CLOSE, number) for number in _given()),
        ],
        setsid=True,
    )
    return Process.of(pid) or Process(pid, 0)


def _given() -> list[int]:
    """Return the descriptors beyond stderr that another program would inherit: Python's own are none of them."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # the one that this listing itself had open
            if int(name) > 2 and os.get_inheritable(int(name)):  # noqa: PLR2004 - stdin, stdout, stderr
                found.append(int(name))
    return found


def _stat(pid: int) -> list[str] | None:
    """Fields 3 and on of /proc/PID/stat: what follows the name, which may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
