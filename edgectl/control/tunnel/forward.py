"""A port of this machine whose connections go on at the far end of a link.

Owns: the listener and the bytes both ways. A connection has no deadline of its own: a watch may be quiet for hours, and
when the link is lost its own watch ends all that goes through it. Must not know what is said.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from edgectl.control.link.link import Link
from edgectl.control.link.ssh import paramiko
from edgectl.wire.errors import EdgectlError, InvalidInput

HOST = "127.0.0.1"
_PIECE_BYTES = 32 * 1024
_MOST = 128  # connections at once
_LOOK_SECONDS = 0.5


def listen(port: int) -> socket.socket:
    """Return a listener on a port of this machine, any free one for 0; InvalidInput when it is taken."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        raise InvalidInput(
            f"port {port} of this machine cannot be taken: {error.strerror}",
            hint=f"who has it: ss -ltnp 'sport = :{port}'; without --port a free one is found",
        ) from error
    made.settimeout(_LOOK_SECONDS)
    return made


class Forward:
    """Takes connections of a listener and lets each go on through the link that stands just then."""

    def __init__(
        self, listener: socket.socket, link: Callable[[], Link | None], *, port: int, tell: Callable[[str], object]
    ) -> None:
        self._listener = listener
        self._link = link
        self._port = port
        self._tell = tell
        self._ended = threading.Event()
        self._free = threading.BoundedSemaphore(_MOST)
        self._taker = threading.Thread(target=self._take, name="tunnel", daemon=True)

    def start(self) -> None:
        """Begin to take connections."""
        self._taker.start()

    def close(self) -> None:
        """Take no more; those that are open end with the link."""
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or it would listen on for as long as the taker waits
        self._listener.close()

    def _take(self) -> None:
        while not self._ended.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                if not self._ended.wait(_LOOK_SECONDS):
                    continue
                return
            if not self._free.acquire(blocking=False):
                self._tell(f"more than {_MOST} connections at once: one was turned away")
                near.close()
                continue
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """Carry one connection to its end; without a link it ends at once, and its program tries again."""
        try:
            with near:
                near.settimeout(None)
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link = self._link()
                if link is None:
                    return
                try:
                    far = link.forward(HOST, self._port, what="the Kubernetes API")
                except EdgectlError as error:
                    if link.is_alive():
                        self._tell(error.message)
                    return
                far.settimeout(None)
                outward = threading.Thread(target=_pour_out, args=(near, far), daemon=True)
                outward.start()
                _pour_in(far, near)
                far.close()
                with suppress(OSError):
                    near.shutdown(socket.SHUT_RDWR)
                outward.join()
        finally:
            self._free.release()


def _pour_out(near: socket.socket, far: paramiko.Channel) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        while data := near.recv(_PIECE_BYTES):
            far.sendall(data)
        far.shutdown_write()
        return
    with suppress(OSError, EOFError, paramiko.SSHException):
        far.close()


def _pour_in(far: paramiko.Channel, near: socket.socket) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        while data := far.recv(_PIECE_BYTES):
            near.sendall(data)
