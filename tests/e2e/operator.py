"""The person or CI job that types `edgectl`: real commands, in processes of their own, with what they said.

Owns: starting them, reading them, ending them. Must not know what happens on a node.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Said:
    """A command that has ended."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        head = f"$ edgectl {' '.join(self.argv)}   (exit {self.code}, {self.seconds:.1f} s)"
        return f"{head}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def has(self, *texts: str) -> None:
        """Require that it said each of these, on stdout or stderr."""
        for text in texts:
            assert text in self.out + self.err, f"it did not say {text!r}\n{self}"

    @property
    def document(self) -> dict[str, Any]:
        """Return the one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Running:
    """A command that runs. What it says on stderr can be waited for."""

    def __init__(self, argv: tuple[str, ...], env: dict[str, str]) -> None:
        self.argv = argv
        self._began = time.monotonic()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "edgectl", *argv],
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - one call that takes no lock
        )
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(stream, lines), daemon=True)
            for stream, lines in ((self._child.stdout, self._out), (self._child.stderr, self._err))
        ]
        for reader in self._readers:
            reader.start()

    def until(self, text: str, *, seconds: float) -> float:
        """Wait until a line on stderr holds this text; return when it was seen (monotonic)."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self._child.poll() is not None
            if any(text in line for line in list(self._err)):
                return time.monotonic()
            assert not ended, f"it ended before it said {text!r}:\n{self.finish(seconds=5)}"
            assert time.monotonic() < deadline, f"no {text!r} in {seconds:.0f} s:\n{''.join(self._err)}"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send a signal to it, as a terminal does."""
        self._child.send_signal(number)

    def finish(self, *, seconds: float) -> Said:
        """Wait for its end."""
        try:
            code = self._child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(
                f"edgectl {' '.join(self.argv)} did not end within {seconds:.0f} s:\n{''.join(self._err)}"
            ) from None
        for reader in self._readers:
            reader.join(5)
        return Said(self.argv, code, "".join(self._out), "".join(self._err), time.monotonic() - self._began)

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait(5)


class Operator:
    """One operator with one inventory, at one store. `package` is the folder that holds the edgectl that is run."""

    def __init__(self, store: str, inventory: Path, *, package: Path = ROOT, user: str = "tester") -> None:
        self.store = store
        self.inventory = inventory
        self._package = package
        self._user = user
        self._started: list[Running] = []

    def with_(self, *, change: Change | None = None, package: Path | None = None, user: str = "") -> Operator:
        """Return an operator who has another inventory (a changed copy), another edgectl, or another name."""
        path = self.inventory
        if change is not None:
            doc = copy.deepcopy(yaml.safe_load(path.read_text()))
            change(doc)
            number = len(list(path.parent.glob("inventory-*.yaml")))
            path = path.parent / f"inventory-{number}.yaml"
            path.write_text(yaml.safe_dump(doc, sort_keys=False))
        other = Operator(self.store, path, package=package or self._package, user=user or self._user)
        other._started = self._started
        return other

    def start(self, *words: str) -> Running:
        """Start a command. The store's name follows the first word."""
        return self._begin((words[0], self.store, *words[1:]))

    def replace(self, node: str, *words: str, code: int = 0) -> Said:
        """Let a fresh machine take a node's place; the command must end with this exit code."""
        said = self._begin(("replace", f"{self.store}/{node}", *words)).finish(seconds=600)
        assert said.code == code, f"exit {code} was expected\n{said}"
        return said

    def group(self, group: str, word: str, *words: str) -> Said:
        """Run a command of a group to its end, e.g. `models prefetch STORE ...`; it must succeed."""
        said = self._begin((group, word, self.store, *words)).finish(seconds=240)
        assert said.code == 0, said
        return said

    def export(self, to: Path, key: Path) -> Said:
        """Fill a stick for the store, signed."""
        said = self._begin(("bundle", "export", self.store, "--to", str(to), "--sign-with", str(key))).finish(
            seconds=240
        )
        assert said.code == 0, said
        return said

    def _begin(self, argv: tuple[str, ...]) -> Running:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_"))}
        mine = {"EDGECTL_INVENTORY": str(self.inventory), "PYTHONPATH": str(self._package), "LOGNAME": self._user}
        running = Running(argv, {**env, **mine, "NO_COLOR": "1", "COLUMNS": "200"})
        self._started.append(running)
        return running

    def run(self, *words: str, code: int = 0, seconds: float = 240) -> Said:
        """Run a command to its end, which must be this exit code."""
        said = self.start(*words).finish(seconds=seconds)
        assert said.code == code, f"exit {code} was expected\n{said}"
        return said

    def deploy(self, *, code: int = 0, seconds: float = 240) -> dict[str, Any]:
        """Deploy; return what it cost and what came of it."""
        return self.run("deploy", "-o", "json", code=code, seconds=seconds).document

    def end_all(self) -> None:
        """Kill whatever of this operator still runs."""
        for running in self._started:
            running.end()


def _hears_ctrl_c() -> None:
    """Let the command hear SIGINT, which a shell makes its background jobs ignore (CI may be one)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(stream: Any, lines: list[str]) -> None:
    with stream:
        lines.extend(stream)
