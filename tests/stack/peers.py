"""Peers that behave badly on a free port of loopback: they hang, answer by halves, break off, never stop, lie."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

Behaviour = Callable[[socket.socket], None]
PATIENCE_SECONDS = 20.0


class Peer:
    """Takes connections, and lets each be treated by `behaviour` in a thread of its own."""

    def __init__(self, behaviour: Behaviour, *, port: int = 0) -> None:
        self._behaviour = behaviour
        self._server = socket.create_server(("127.0.0.1", port), backlog=32)
        self.port = int(self._server.getsockname()[1])
        self._taken: list[socket.socket] = []
        self.hung_up = threading.Event()  # a client has ended its connection
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # or whoever waits in accept does so for ever
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for sock in self._taken:
            sock.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                self._taken.append(sock)
                threading.Thread(target=self._treat, args=(sock,), daemon=True).start()

    def _treat(self, sock: socket.socket) -> None:
        with suppress(OSError), sock:  # it may be closed already: the test has ended
            sock.settimeout(PATIENCE_SECONDS)
            self._behaviour(sock)
        self.hung_up.set()


def says_nothing(sock: socket.socket) -> None:
    """Read, and never answer."""
    while sock.recv(4096):
        pass


def says(data: bytes, then: Behaviour = lambda _: None) -> Behaviour:
    """Answer the first words with these bytes."""

    def behave(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(data)
        then(sock)

    return behave


def answers(body: bytes, status: str = "200 OK") -> Behaviour:
    """Answer with a whole page."""
    return says(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def drips(sock: socket.socket) -> None:
    """Answer with one byte each tenth of a second, for ever."""
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        sock.sendall(b"a")
        time.sleep(0.1)


def floods(sock: socket.socket) -> None:
    """Answer without an end."""
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        sock.sendall(b"a" * 65536)


def resets(sock: socket.socket) -> None:
    """Break the connection off with a RST."""
    sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs_up(sock: socket.socket) -> None:
    """End the connection without a word."""
    sock.recv(65536)


def by_path(routes: dict[str, Behaviour]) -> Behaviour:
    """Answer each path in its own way; another one with 404."""

    def behave(sock: socket.socket) -> None:
        _, _, rest = sock.recv(65536, socket.MSG_PEEK).partition(b" ")  # nothing from one that was cut before it spoke
        path = rest.split(b" ")[0].decode()
        routes.get(path, answers(b"", "404 Not Found"))(sock)

    return behave
