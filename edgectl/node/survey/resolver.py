"""Whether a name server answers at all: the smallest question there is, for the name servers of the root."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address

_PORT, _V4 = 53, 4
_SECONDS = 1.5
_MOST = 3  # as the resolver of the C library asks
# RFC 1035, 4.1: id, recursion desired, one question; the root's name, type NS, class IN.
_QUESTION = b"\x0e\xd9\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"


def silent(servers: tuple[str, ...], *, port: int = _PORT, seconds: float = _SECONDS) -> tuple[str, ...]:
    """Return those of the servers that do not answer in time."""
    return tuple(server for server in servers[:_MOST] if not _answers(server, port, seconds))


def _answers(server: str, port: int, seconds: float) -> bool:
    with suppress(OSError, ValueError):  # a name in the place of an address is nobody that could be asked
        family = socket.AF_INET if ip_address(server).version == _V4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.settimeout(seconds)
            asked.connect((server, port))
            asked.send(_QUESTION)
            return asked.recv(512)[:2] == _QUESTION[:2]
    return False
