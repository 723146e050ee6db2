"""Ports for servers that tests start: given once each, and out of the range from which the system takes its own.

A port that is only found free may be anybody's before a program that starts has bound it.
"""

from __future__ import annotations

import itertools
import os
import socket

_FIRST, _EACH, _WORKERS = 10_000, 1_000, 12  # below the sandbox's 22042 and the system's 32768
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_next = itertools.cycle(range(_FIRST + _worker * _EACH, _FIRST + (_worker + 1) * _EACH))


def free_port() -> int:
    """Return a port, free on every address, that no other test of this run is given for a long time."""
    for port in itertools.islice(_next, _EACH):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"none of {_EACH} ports is free")
