"""The link's socket: it counts every byte on the wire and notices a peer that has gone silent.

Owns the counters and the watch. No thread of its own: SSH's reader waits here in slices of 0.1 s, and each slice looks
at the clock. SSH's own keepalives never find a dead server, so a probe that must be answered goes out when it is quiet.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

_PROBES = 4  # in one span of silence: three may be lost or late


class Stream(Protocol):
    """What is needed of a socket; a channel through a jump host has it, too."""

    def recv(self, count: int, /) -> bytes:
        """Receive; TimeoutError when nothing came in time."""

    def send(self, data: bytes, /) -> int:
        """Send some of it; TimeoutError when nothing went in time."""

    def fileno(self) -> int:
        """Return its descriptor."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Set how long both may take."""

    def getpeername(self) -> object:
        """Return the other end's address."""

    def shutdown(self, how: int, /) -> None:
        """End both directions."""

    def close(self) -> None:
        """Close it."""


class MeteredSocket:
    """What SSH needs of a socket, with counters. `lost` says why the watch gave the peer up."""

    def __init__(self, sock: Stream, *, silence_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._silence_seconds = silence_seconds
        self._probe_seconds = silence_seconds / _PROBES
        self._clock = clock
        self._probe: Callable[[], None] | None = None
        self._heard = self._probed = clock()
        self._closed = False  # SSH's transport looks at this name when it stops
        self.sent_bytes = 0
        self.received_bytes = 0
        self.lost = ""
        self._queued = 0

    def watch(self, probe: Callable[[], None]) -> None:
        """Begin to watch; `probe` sends something that a living peer answers."""
        self._heard = self._probed = self._clock()
        self._probe = probe

    def recv(self, count: int) -> bytes:
        """Receive, count, and use the wait for the watch."""
        try:
            data = self._sock.recv(count)
        except TimeoutError:
            self._look(may_probe=True)
            raise
        self._heard = self._clock()
        self.received_bytes += len(data)
        return data

    def send(self, data: bytes) -> int:
        """Send and count; a peer that takes nothing and says nothing is found here too."""
        try:
            count = self._sock.send(data)
        except TimeoutError:
            self._look(may_probe=False)
            raise
        self.sent_bytes += count
        return count

    @property
    def queued_bytes(self) -> int:
        """Bytes that have been written and not yet acknowledged by the other machine; 0 where that cannot be told.

        Of a link that is gone, what it was last: those have not arrived.
        """
        with suppress(OSError, ValueError):  # closed, or a system without this question
            if not self._closed:
                asked = fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, bytes(4))
                self._queued = int.from_bytes(asked, sys.byteorder)
        return self._queued

    def settimeout(self, seconds: float | None) -> None:
        """Set how long one slice of waiting is."""
        self._sock.settimeout(seconds)

    def getpeername(self) -> object:
        """Return the other end's address."""
        return self._sock.getpeername()

    def close(self) -> None:
        """Close; the shutdown before it wakes a reader that waits in `recv`."""
        self._closed = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _look(self, *, may_probe: bool) -> None:
        if self._probe is None:
            return
        now = self._clock()
        silent = now - self._heard
        if silent >= self._silence_seconds:
            self.lost = f"it has said nothing for {silent:.0f} s"
            # Not ETIMEDOUT: that is a TimeoutError, which SSH takes for one more quiet slice.
            raise ConnectionAbortedError(errno.ECONNABORTED, self.lost)
        if may_probe and min(silent, now - self._probed) >= self._probe_seconds:
            self._probed = now
            self._probe()
