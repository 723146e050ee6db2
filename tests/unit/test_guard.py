"""The guard bites: a unit test can neither start a program nor reach a network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda: os.system("true"),  # noqa: S605 - that it is caught is the test
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        os.fork,
    ],
    ids=["subprocess", "system", "posix_spawn", "fork"],
)
def test_no_program_starts(start: Any, guard: Any) -> None:
    """Whichever way a program is started, the test that does it fails, also when the product swallows the error."""
    with pytest.raises(RuntimeError):
        start()
    assert guard.seen
    guard.seen.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_no_connection_is_made(host: str, guard: Any) -> None:
    """Not even loopback, unless a test says that it needs it."""
    with socket.socket() as sock, pytest.raises(RuntimeError):
        sock.connect((host, 9))
    with pytest.raises(RuntimeError):
        socket.getaddrinfo("example.invalid", 443)
    guard.seen.clear()


def test_a_pair_of_sockets_is_no_network() -> None:
    """What stays inside the process is free."""
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


@pytest.mark.programs("the exemption is what is tested")
def test_a_marked_test_starts_programs() -> None:
    """A test that says so may."""
    assert subprocess.run([sys.executable, "-I", "-c", ""], check=False, timeout=30).returncode == 0
