"""A bad network between two nodes: a relay that cuts, crawls or swallows, in front of what really listens."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)


@dataclass
class Relay:
    """Passes bytes on from the node that hands out, until it resets after `most` of them.

    `rate` is bytes a second. `hole`: takes connections and never says a word.
    """

    to: tuple[str, int]
    most: int = 1 << 60
    rate: float = 0.0
    hole: bool = False
    resets: int = 1  # so many connections are cut; later ones are not
    taken: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where to connect to."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """End."""
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.taken += 1
                self._open.append(near)
                if not self.hole:
                    far = socket.create_connection(self.to, 5)
                    self._open.append(far)
                    cuts = self.taken <= self.resets
                    threading.Thread(target=self._pass, args=(near, far, 1 << 60), daemon=True).start()
                    most = self.most if cuts else 1 << 60
                    threading.Thread(target=self._pass, args=(far, near, most), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, most: int) -> None:
        with suppress(OSError):
            while data := source.recv(1024 if self.rate else 65536):
                sink.sendall(data[:most])
                most -= len(data)
                if most <= 0:
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
                if self.rate:
                    time.sleep(len(data) / self.rate)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RD)  # else whoever reads from it in another thread keeps it open
            sock.close()
