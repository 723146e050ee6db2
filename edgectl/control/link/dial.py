"""A TCP connection within a deadline, name lookup included.

Owns the socket's options. Must not know SSH.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

# Unsent bytes that the kernel may hold: progress stays true and a probe does not queue behind megabytes,
# while what is in flight (the congestion window) stays as large as the line wants.
_UNSENT_BYTES = 128 * 1024


def dial(host: str, port: int, *, seconds: float) -> socket.socket:
    """Connect; OSError says why not, TimeoutError when the time is over."""
    deadline = time.monotonic() + seconds
    problem: OSError | None = None
    for family, kind, protocol, _, address in _lookup(host, port, seconds=seconds):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.1, deadline - time.monotonic()))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        _tune(sock)
        return sock
    raise problem or OSError("the name has no address")


def _lookup(host: str, port: int, *, seconds: float) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    """Resolve a name on a thread of its own: the resolver itself knows no deadline."""
    found: list[list[tuple[int, int, int, str, tuple[object, ...]]]] = []
    problem: list[OSError] = []

    def ask(flags: int = 0) -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))  # type: ignore[arg-type]
        except OSError as error:
            problem.append(error)

    ask(socket.AI_NUMERICHOST)
    if not found:
        problem.clear()
        thread = threading.Thread(target=ask, name=f"lookup {host}", daemon=True)
        thread.start()
        thread.join(seconds)
    if found:
        return found[0]
    raise problem[0] if problem else TimeoutError(f"the name {host} was not resolved within {seconds:.0f} s")


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with suppress(OSError, AttributeError):  # Linux has it; elsewhere only progress is a little ahead of the line
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
