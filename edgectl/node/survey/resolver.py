"""Whether a name server answers at all: the smallest question there is, for the name servers of the root."""

from __future__ import annotations

import socket
from contextlib import suppress

_PORT = 53
_SECONDS = 1.5
_MOST = 3  # as the resolver of the C library asks
# RFC 1035, 4.1: id, recursion desired, one question; the root's name, type NS, class IN.
_QUESTION = b"\x0e\xd9\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"


def silent(servers: tuple[str, ...], *, port: int = _PORT, seconds: float = _SECONDS) -> tuple[str, ...]:
    """Return those of the servers that do not answer in time."""
    return tuple(server for server in servers[:_MOST] if not _answers(server, port, seconds))


def _answers(server: str, port: int, seconds: float) -> bool:
    with suppress(OSError):
        found = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
        with socket.socket(found[0], found[1]) as asked:
            asked.settimeout(seconds)
            asked.connect(found[4])
            asked.send(_QUESTION)
            return asked.recv(512)[:2] == _QUESTION[:2]
    return False
