"""A socket to http.client, with one limit for the whole answer: a byte now and then would hold us for ever."""

from __future__ import annotations

import io
import socket
import time


class Timed(io.RawIOBase):
    """Give it to `http.client.HTTPResponse` in the place of the socket."""

    def __init__(self, link: socket.socket, seconds: float) -> None:
        self._link, self._until = link, time.monotonic() + seconds
        self._held = link.makefile("rb", buffering=0)  # http.client lets go of a socket before its answer is read

    def makefile(self, _: str) -> io.BufferedReader:
        """Be what http.client takes for a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is there, or wait for it as long as there is time."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer does not end")
        self._link.settimeout(left)
        return self._link.recv_into(buffer)

    def close(self) -> None:
        """Let go of the socket; it lives on for whoever else holds it."""
        self._held.close()
        super().close()
