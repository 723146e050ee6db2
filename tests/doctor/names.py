"""The store's name server, as a shop's router is one: it answers, and knows no name. `python -m tests.doctor.names`.

Owns: its process at the store's gateway, and its answers. Without it every name is unknown for another reason than the
name.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.network import GATEWAY
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.operator import ROOT

_PORT, _SECONDS = 53, 10
_NO_SUCH_NAME = 3  # RFC 1035, RCODE


class Names:
    """It serves from `serve` to `end`."""

    def __init__(self, store: SandboxStore) -> None:
        self._inside = ["nsenter", f"--net={store.place.netns_path}", sys.executable, "-m", "tests.doctor.names"]
        self._child: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Serve from now on."""
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._child = subprocess.Popen(self._inside, env=env, stdin=subprocess.DEVNULL, cwd=ROOT)
        end = time.monotonic() + _SECONDS
        while run([*self._inside, "ask"], check=False).code != 0:
            assert time.monotonic() < end, f"no name server answers at {GATEWAY}"
            time.sleep(0.1)

    def end(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(5)
            self._child = None


def denied(question: bytes) -> bytes:
    """Return the answer to a question: there is no such name. Of the question only its first entry is kept."""
    at = 12
    while question[at]:  # labels, up to the empty one
        at += 1 + question[at]
    head = question[:2] + bytes((0x81, 0x80 | _NO_SUCH_NAME)) + question[4:6] + bytes(6)
    return head + question[12 : at + 5]


def _main(*words: str) -> None:
    """Answer for ever; or ask once, and end with 1 where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        if words:
            here.settimeout(1)
            here.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\7exmaple\0\0\1\0\1", (GATEWAY, _PORT))
            sys.exit(0 if here.recv(512)[:2] == b"\0\7" else 1)
        here.bind((GATEWAY, _PORT))
        while True:
            question, who = here.recvfrom(1500)
            try:
                here.sendto(denied(question), who)
            except (IndexError, OSError):
                continue


if __name__ == "__main__":
    _main(*sys.argv[1:])
