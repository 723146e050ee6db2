"""A real Mosquitto on a free port of loopback: as a store's bus is, without a disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.ports import free_port

START_SECONDS = 10.0


def program() -> str:
    """Return where Mosquitto is; without it a test is skipped, in CI it fails."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed: apt-get install mosquitto")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return found


class Broker:
    """Listens from the beginning; `stop` as a power cut does, `start` again on the same port."""

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._program = program()
        self._config, self._log = folder / "mosquitto.conf", folder / "mosquitto.log"
        self._config.write_text(f"listener {self.port} {self.host}\nallow_anonymous true\nmax_queued_messages 0\n")
        self._running: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Listen; returns when it does."""
        with self._log.open("ab") as log:
            self._running = subprocess.Popen([self._program, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                if self._running.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return
        pytest.fail(f"mosquitto did not start: {self._log.read_text()}")

    def stop(self) -> None:
        """Be gone, with everything that was only in memory."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(timeout=10)
            self._running = None

    def restart(self) -> None:
        """Be gone and come back empty."""
        self.stop()
        self.start()
