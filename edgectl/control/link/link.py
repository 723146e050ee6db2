"""The open connection to one node: one command runs on it, and it knows what it cost.

Owns the connection's life and the sentence for its loss. Must not know what the command says.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from edgectl.control.link.channel import Channel
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.ssh import paramiko

if TYPE_CHECKING:
    from edgectl.control.link.keys import Candidate
    from edgectl.control.link.meter import MeteredSocket
    from edgectl.control.link.target import Target
    from edgectl.control.link.transport import Transport


class Link:
    """A logged-in SSH connection. Use as a context manager: the connection ends with the block."""

    def __init__(self, *, target: Target, transport: Transport, sock: MeteredSocket, key: Candidate) -> None:
        self.target = target
        self.key = key
        self._transport = transport
        self._sock = sock

    @property
    def sent_bytes(self) -> int:
        """Bytes written to the wire so far, SSH's own included."""
        return self._sock.sent_bytes

    @property
    def received_bytes(self) -> int:
        """Bytes read from the wire so far, SSH's own included."""
        return self._sock.received_bytes

    @property
    def queued_bytes(self) -> int:
        """Bytes that are written and have not arrived yet."""
        return self._sock.queued_bytes

    def run(self, command: str, *, patience_seconds: float = 60.0) -> Channel:
        """Start a command, without waiting for it to begin: what it writes is the answer.

        `patience_seconds` is how long one read or write may take; the channel's attribute changes it later.
        """
        try:
            raw = self._transport.open_session(timeout=self.target.connect_seconds)
            self._transport.execute(raw, command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self.lost(f"no command could be started: {str(error) or 'the connection was closed'}") from error
        return Channel(raw, self, command, patience_seconds=patience_seconds)

    def is_alive(self) -> bool:
        """Tell whether the connection still stands, as far as is known."""
        return not self._sock.lost and self._transport.is_active()

    def lost(self, reason: str = "") -> LinkLost:
        """Return the error for the loss of this link and close what is left of it."""
        why = self._sock.lost or reason or "the connection was closed by the other side"
        self.close()
        return LinkLost(
            f"the link to {self.target.where} is lost: {why}",
            hint="the node goes on by itself; the same command re-attaches",
            details=(f"{self.sent_bytes} bytes sent, {self.received_bytes} received on this link",),
        )

    def close(self) -> None:
        """End the connection; a node's service that was started over it goes on."""
        self._transport.close()
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
