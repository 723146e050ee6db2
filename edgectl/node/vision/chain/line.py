"""Jobs beside each other under one deadline, each with sockets that can be cut.

Owns: that whatever hangs (a name that does not resolve, a peer that says nothing, or one byte a second) costs its
deadline and no more. Must not know what is asked.
"""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

_LEAST_SECONDS = 0.01
_GRACE_SECONDS = 0.25  # in which a job that is out of time says so itself


class Line:
    """What one job connects with. Every wait on its sockets ends at `until`, or when it is cut."""

    def __init__(self, until: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.until = until
        self._monotonic = monotonic
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._cut = False

    def left(self) -> float:
        """Return the seconds that are left; TimeoutError when there are none."""
        left = self.until - self._monotonic()
        if self._cut or left <= 0:
            raise TimeoutError("out of time")
        return max(left, _LEAST_SECONDS)

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a connection; OSError when there is none in time."""
        return self.keep(socket.create_connection((host, port), timeout=self.left()))

    def keep(self, sock: socket.socket) -> socket.socket:
        """Let a socket end with this line."""
        with self._lock:
            self._sockets.append(sock)
            cut = self._cut
        if cut:
            self.cut()
        return sock

    def cut(self) -> None:
        """End whatever still waits."""
        with self._lock:
            self._cut = True
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                sock.close()


@dataclass(frozen=True)
class Late:
    """A job that has not ended in its time, or has ended as nobody had foreseen (`why`)."""

    why: str = ""


Job = Callable[[Line], Any]


def beside(jobs: Mapping[str, tuple[float, Job]], *, monotonic: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """Run jobs, each for so many seconds at most; returns what each has brought, or Late."""
    ended: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    began = monotonic()
    lines = {name: Line(began + seconds, monotonic) for name, (seconds, _) in jobs.items()}
    for name, (_, job) in jobs.items():
        Thread(target=_run, args=(name, job, lines[name], ended), daemon=True, name=f"chain {name}").start()
    found: dict[str, Any] = {}
    waiting = dict(lines)
    while waiting:
        name = min(waiting, key=lambda one: waiting[one].until)
        left = waiting[name].until + _GRACE_SECONDS - monotonic()
        try:
            name, found[name] = ended.get(timeout=max(left, 0.0)) if left > 0 else ended.get_nowait()
        except queue.Empty:
            found[name] = Late()
        waiting.pop(name, None)
        lines[name].cut()
    return found


def _run(name: str, job: Job, line: Line, ended: queue.SimpleQueue[tuple[str, Any]]) -> None:
    try:
        ended.put((name, job(line)))
    except Exception as error:  # noqa: BLE001 - one job's surprise is its own link's matter
        ended.put((name, Late(f"{type(error).__name__}: {error}")))
