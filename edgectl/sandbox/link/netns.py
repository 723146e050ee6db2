"""Sockets of another network namespace, for a process that itself stays outside."""

from __future__ import annotations

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # linux/sched.h


class Doorway:
    """Makes TCP sockets that belong to a network namespace.

    A socket stays where it was made, and setns(2) moves one thread only.
    """

    def __init__(self, netns: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(netns,))

    def socket(self) -> socket.socket:
        """Return a new TCP socket inside. BrokenThreadPool when the namespace could not be entered."""
        return self._thread.submit(socket.socket, socket.AF_INET, socket.SOCK_STREAM).result(timeout=10)

    def close(self) -> None:
        """Let the thread go; sockets that were made stay open."""
        self._thread.shutdown(wait=False)


def _enter(netns: Path) -> None:
    if netns.samefile("/proc/self/ns/net"):
        return  # here already, which needs no rights
    fd = os.open(netns, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(netns))
    finally:
        os.close(fd)
