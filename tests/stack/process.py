"""One service as it runs in a pod: a process of its own, that tests kill and start again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.stack.uplink.config import Config
from edgectl.wire.document import to_json
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0


class Process:
    """`python -m MODULE ...` with a port of operations."""

    def __init__(
        self, module: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.ops = free_port()
        self._argv = [sys.executable, "-m", module, *arguments, "--ops-port", str(self.ops)]
        self._env = {**os.environ, **(env or {})}
        self.log = folder / f"{module.rpartition('.')[2]}-{self.ops}.log"
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin."""
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(self._argv, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as a power cut does, but for what the system still has in its memory."""
        if self.running is not None:
            self.running.kill()
            self.running.wait(10)
            self.running = None

    def stop(self) -> int:
        """End it as Kubernetes does; returns its exit status."""
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)
        code = self.running.wait(5)
        self.running = None
        return code

    def get(self, path: str) -> str:
        """Ask its port of operations."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def status(self) -> dict[str, Any]:
        """Return what it says of itself; {} before it says anything."""
        try:
            found: dict[str, Any] = json.loads(self.get("/status"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return {}
        return found

    def until(self, link: str, word: str, text: str = "", *, seconds: float = START_SECONDS) -> dict[str, Any]:
        """Wait until a link is as named; returns its state."""
        deadline = time.monotonic() + seconds
        state: dict[str, Any] = {}
        while time.monotonic() < deadline:
            state = self.status().get("links", {}).get(link, {})
            if state.get("word") == word and text in state.get("reason", ""):
                return state
            assert self.running is not None
            assert self.running.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{link} is not {word} {text!r}, but {state}: {self.log.read_text()}")

    def until_queue(self, *, events: int = 0, aside: int = 0, seconds: float = START_SECONDS) -> None:
        """Wait until the uplink's queue is so long."""
        deadline = time.monotonic() + seconds
        found: dict[str, Any] = {}
        while (found.get("events"), found.get("aside")) != (events, aside):
            assert time.monotonic() < deadline, f"{events} wait, {aside} aside: not so, but {found}"
            time.sleep(0.1)
            found = self.status().get("facts", {}).get("queue", {})

    def until_counted(self, name: str, least: float, *, seconds: float = START_SECONDS) -> None:
        """Wait until a metric without labels has come to so much."""
        deadline = time.monotonic() + seconds
        counted = 0.0
        while counted < least:
            assert time.monotonic() < deadline, f"{name} is not {least}, but {counted}: {self.log.read_text()}"
            time.sleep(0.05)
            counted = self._counted(name)

    def _counted(self, name: str) -> float:
        try:
            lines = self.get("/metrics").splitlines()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0.0
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


def uplink(config: Config, folder: Path, env: Mapping[str, str] | None = None) -> Process:
    """Return an uplink, not started yet."""
    file = folder / "uplink.json"
    file.write_text(json.dumps(to_json(config)))
    return Process("edgectl.stack.uplink", ["--config", str(file)], folder, env)
