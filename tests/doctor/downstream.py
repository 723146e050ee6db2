"""The sink beyond the store, as the exam needs it: with TLS and a token, and with what can go wrong with either.

Owns: its process, its certificates, its address behind the store's gateway. Nothing of it is in the store.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.operator import ROOT
from tests.stack.certificates import Authority, Pair

ADDRESS, PORT = "198.51.100.7", 8443  # RFC 5737: nobody's
URL = f"https://{ADDRESS}:{PORT}/events"
TOKEN = "token-of-the-exam"  # noqa: S105 - a made-up one
_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Papers:
    """Its certificates, a good one and an expired one, and the authority that stores trust; in a folder."""

    folder: Path
    authority: Path
    good: Pair
    expired: Pair

    @classmethod
    def made(cls, folder: Path) -> Papers:
        """Make them where they are not there: all copies of a store are declared the same."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "expired.key").exists():
            authority = Authority(folder)
            authority.sign("good", host=ADDRESS)
            authority.sign("expired", days=(-90, -3), host=ADDRESS)
        good, expired = (Pair(folder / f"{name}.crt", folder / f"{name}.key") for name in ("good", "expired"))
        return cls(folder, folder / "authority.pem", good, expired)


class Downstream:
    """Takes events when it is well; `serve` says how it is."""

    def __init__(self, store: SandboxStore, papers: Papers) -> None:
        self._store, self._folder, self.papers = store, papers.folder, papers
        self._child: subprocess.Popen[bytes] | None = None

    def serve(self, *, token: str = TOKEN, pair: Pair | None = None) -> None:
        """Serve from now on, with this token and certificate."""
        self.end()
        run(["ip", "-n", self._store.place.netns, "addr", "replace", f"{ADDRESS}/32", "dev", "lo"])
        pair = pair or self.papers.good
        wanted = self._folder / "token"
        wanted.write_text(token)
        words = ["--port", str(PORT), "--db", str(self._folder / "sink.db"), "--token-file", str(wanted)]
        argv = [sys.executable, "-m", "edgectl.stack.sink", *words, "--cert", str(pair.cert), "--key", str(pair.key)]
        with (self._folder / "sink.log").open("ab") as log:
            self._child = subprocess.Popen(
                ["nsenter", f"--net={self._store.place.netns_path}", *argv],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _SECONDS
        while not self.listens():
            assert time.monotonic() < end, f"the sink does not listen; its log is {self._folder / 'sink.log'}"
            time.sleep(0.1)

    def listens(self) -> bool:
        """Tell whether it takes connections, asked in its own network."""
        code = f"import socket; socket.create_connection(('{ADDRESS}', {PORT}), 2).close()"
        words = ["nsenter", f"--net={self._store.place.netns_path}", sys.executable, "-c", code]
        return run(words, check=False).code == 0

    def end(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(5)
            self._child = None
