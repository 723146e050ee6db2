"""Processes in virtual time: threads of which exactly one runs, until it waits, ends or is killed.

A killed process does nothing any more: no `finally` of it has an effect on the disk (see disk.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

FOREVER = 1e12


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Process:
    """One process. `where` is the machine that it dies with."""

    name: str
    where: str
    pid: int
    wake: float
    until: Callable[[], bool] | None = None
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    dead: bool = False
    done: bool = False
    last: int = 0
    fds: dict[int, str] = field(default_factory=dict)
    error: BaseException | None = None

    def due(self, now: float) -> float:
        """Return when it may go on."""
        return now if self.until is not None and self.until() else self.wake


class Processes:
    """All processes and the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.me: Process | None = None
        self.all: list[Process] = []
        self.on_end: Callable[[Process], None] = lambda _: None
        self._back = threading.Semaphore(0)
        self._turns = 0
        self._pids = 1000

    def spawn(self, name: str, where: str, work: Callable[[], object]) -> Process:
        """Start a process; it runs when the others wait."""
        self._pids += 1
        process = Process(name, where, self._pids, self.now)

        def body() -> None:
            process.turn.acquire()
            try:
                if not process.dead:
                    work()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 - a crash is for the test to see
                process.error = error
            self.on_end(process)
            process.done = True
            self._back.release()

        threading.Thread(target=body, daemon=True).start()
        self.all.append(process)
        return process

    def alive(self, name: str = "", where: str = "") -> list[Process]:
        """Return the processes that have not ended."""
        return [
            process
            for process in self.all
            if not process.done and process.name.startswith(name) and process.where.startswith(where)
        ]

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, at most so much."""
        end = self.now + seconds
        while not until():
            self.all = [process for process in self.all if not process.done]
            process = min(self.all, key=lambda one: (one.due(self.now), one.last), default=None)
            if process is None or process.due(self.now) > end:
                self.now = end
                return
            self.now = max(self.now, process.due(self.now))
            self._give(process)
            if process.error is not None:
                raise process.error

    def wait(self, seconds: float = FOREVER, until: Callable[[], bool] | None = None) -> None:
        """Let others run until the time has come, or something is true."""
        me = self.me
        assert me is not None, "only a process waits"
        if me.dead:
            raise Killed
        me.wake, me.until = self.now + seconds, until
        self._back.release()
        me.turn.acquire()
        if me.dead:
            raise Killed

    def kill(self, process: Process) -> None:
        """End a process here and now; killing oneself raises."""
        if process.done or process.dead:
            return
        process.dead = True
        if process is self.me:
            raise Killed
        caller, back = self.me, self._back
        self._back = threading.Semaphore(0)
        self._give(process)
        self.me, self._back = caller, back

    def _give(self, process: Process) -> None:
        self._turns += 1
        process.last = self._turns
        self.me = process
        process.turn.release()
        self._back.acquire()
        self.me = None
