"""The service as a process of its own, as its container runs it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Running:
    """One that runs."""

    process: subprocess.Popen[str]
    port: int
    ops_port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, port: int = 0) -> tuple[int, str]:
        """Ask by GET."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.ops_port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """Return what it says of itself."""
        found: dict[str, Any] = json.loads(self.get("/status")[1])
        return found

    def wait(self, word: str, *, times: int = 1, seconds: float = 30.0) -> None:
        """Wait until so many lines of its log begin so."""
        ends = time.monotonic() + seconds
        while sum(line.startswith(word) for line in self.log.read_text().splitlines()) < times:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < ends, self.log.read_text()
            time.sleep(0.01)

    def end(self) -> int:
        """End it, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextmanager
def running(models: Path, log: Path, *flags: str, env: dict[str, str] | None = None) -> Iterator[Running]:
    """Run the service over a folder of models."""
    port, ops = free_port(), free_port()
    where = ("--models", str(models), "--host", "127.0.0.1", "--port", str(port), "--ops-port", str(ops))
    flags = ("--attempts", str(models.parent / "attempts"), *flags)
    argv = [sys.executable, "-m", "edgectl.stack.inference", *where, *flags]
    with log.open("w") as said:
        process = subprocess.Popen(argv, cwd=ROOT, stderr=said, env={**os.environ, **(env or {})}, text=True)
    try:
        yield Running(process, port, ops, log)
    finally:
        process.kill()
        process.wait(timeout=10)
