"""One running command on the node: its input, its output, the tail of its error output, its exit status.

Owns reads and writes with deadlines, in the shape that frames want. Must not know what the bytes mean.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from edgectl.control.link.lost import LinkLost
from edgectl.control.link.ssh import paramiko
from edgectl.wire.frame import FrameError

TAIL_BYTES = 64 * 1024
_PIECE_BYTES = 32 * 1024 - 64  # what fits one packet of 32 KiB with its header: no small packet after each large one


class Owner(Protocol):
    """The link, as a channel sees it."""

    def is_alive(self) -> bool:
        """Tell whether the connection still stands."""

    def lost(self, reason: str = "") -> LinkLost:
        """Return the error for its loss."""


class Channel:
    """A command that runs. `patience_seconds` is how long one read or write may take; set it at any time."""

    def __init__(self, raw: paramiko.Channel, link: Owner, command: str, *, patience_seconds: float) -> None:
        self.command = command
        self.patience_seconds = patience_seconds
        self._raw = raw
        self._link = link
        self._waiting = b""
        self._tail = bytearray()
        self._drain = threading.Thread(target=self._read_stderr, name="stderr", daemon=True)
        self._drain.start()

    def read(self, max_bytes: int) -> bytes:
        """Return some output, b"" when the command has closed it; LinkLost when the link or the patience ended."""
        if self._waiting:
            piece, self._waiting = self._waiting[:max_bytes], self._waiting[max_bytes:]
            return piece
        self._raw.settimeout(self.patience_seconds)
        try:
            data = self._raw.recv(max_bytes)
        except TimeoutError as error:
            raise self._link.lost(f"the command has said nothing for {self.patience_seconds:g} s") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._link.lost(str(error)) from error
        if not data and not self._has_ended():
            raise self._link.lost()
        return data

    def unread(self, data: bytes) -> None:
        """Give back bytes that were read too far: the next read returns them first."""
        self._waiting = data + self._waiting

    def write(self, data: bytes) -> None:
        """Write all; FrameError when the command has ended, LinkLost when the link or the patience has."""
        view = memoryview(data)
        self._raw.settimeout(self.patience_seconds)
        while view:
            try:
                count = self._raw.send(bytes(view[:_PIECE_BYTES]))
            except TimeoutError as error:
                raise self._link.lost(f"the command has read nothing for {self.patience_seconds:g} s") from error
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise self._broken(error) from error
            if not count or not self._link.is_alive():
                raise self._broken(None)
            view = view[count:]

    def finish(self) -> None:
        """Close the command's input."""
        with suppress(paramiko.SSHException, EOFError, OSError):
            self._raw.shutdown_write()

    def exit_status(self, *, seconds: float = 10.0) -> int | None:
        """Return the exit status, waiting for it; None when it did not come (killed by a signal, or still running)."""
        self._raw.status_event.wait(seconds)
        status = self._raw.exit_status
        return status if status >= 0 else None

    def stderr(self, *, seconds: float = 1.0) -> str:
        """Return the last 64 KiB of error output so far; waits for its end where the command has ended."""
        if self._has_ended():
            self._drain.join(seconds)
        return bytes(self._tail).decode("utf-8", "replace")

    def close(self) -> None:
        """Close the channel; the command gets SIGHUP at most."""
        with suppress(paramiko.SSHException, EOFError, OSError):
            self._raw.close()

    def _has_ended(self) -> bool:
        """Tell whether the command itself has closed its output, as opposed to a link that broke under it."""
        return bool(self._raw.eof_received) or self._raw.exit_status >= 0

    def _broken(self, error: BaseException | None) -> FrameError | LinkLost:
        if self._has_ended() and self._link.is_alive():
            return FrameError("the command on the node has ended")
        return self._link.lost(str(error or ""))

    def _read_stderr(self) -> None:
        """Read error output as it comes: left alone it would fill the window and stop the command."""
        read: Callable[[int], bytes] = self._raw.recv_stderr
        while True:
            try:
                data = read(16 * 1024)
            except TimeoutError:
                continue
            except (paramiko.SSHException, EOFError, OSError):
                return
            if not data:
                return
            self._tail += data
            del self._tail[:-TAIL_BYTES]
