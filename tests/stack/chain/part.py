"""One part of a store as a process of its own, that a fault ends, holds, or lets run otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
END_SECONDS = 10.0
# Whatever ends the tests ends what they have started.
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Part:
    """A program with its flags. `inside` goes before it: a namespace."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, *, inside: Sequence[str] = ()) -> None:
        self.name, self.argv, self._log, self._inside = name, tuple(argv), log, tuple(inside)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, *flags: str, env: Mapping[str, str] | None = None) -> None:
        """Begin; `flags` are added, and win over the same ones before."""
        assert self._running is None, f"{self.name} runs already"
        around = {**os.environ, "PYTHONPATH": str(ROOT), "ORT_DISABLE_TELEMETRY": "1", **(env or {})}
        argv = [*self._inside, *_WITH_US, *self.argv, *flags]
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(argv, cwd=ROOT, env=around, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as a power cut does."""
        running, self._running = self._running, None
        if running is not None:
            running.kill()
            running.wait(END_SECONDS)

    def again(self, *flags: str, env: Mapping[str, str] | None = None) -> None:
        """End it and begin anew."""
        self.kill()
        self.start(*flags, env=env)

    def hold(self) -> None:
        """Let it stand still: its sockets take connections, and nobody answers."""
        self._signal(signal.SIGSTOP)
        assert self.runs, f"{self.name} has ended: {self.last_words}"

    def go_on(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def reread(self) -> None:
        """Let it read its files again."""
        self._signal(signal.SIGHUP)

    @property
    def runs(self) -> bool:
        """Whether it is there, standing still or not."""
        return self._running is not None and self._running.poll() is None

    @property
    def last_words(self) -> str:
        """The end of what it has said."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    def _signal(self, number: int) -> None:
        assert self._running is not None, f"{self.name} does not run"
        self._running.send_signal(number)
