"""The open connection to one node: one command runs on it, and it knows what it cost.

Owns the connection's life and the sentence for its loss. Must not know what the command says.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from edgectl.control.link.channel import Channel
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.ssh import paramiko
from edgectl.wire.errors import Unreachable

if TYPE_CHECKING:
    from edgectl.control.link.keys import Candidate
    from edgectl.control.link.meter import MeteredSocket
    from edgectl.control.link.target import Target
    from edgectl.control.link.transport import Transport

_SETTLES_SECONDS = 0.5
_PROHIBITED = 1  # RFC 4254, 5.1: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED


class Link:
    """A logged-in SSH connection. Use as a context manager: the connection ends with the block."""

    def __init__(
        self, *, target: Target, transport: Transport, sock: MeteredSocket, key: Candidate, via: Link | None = None
    ) -> None:
        self.target = target
        self.key = key
        self._transport = transport
        self._sock = sock
        self._via = via

    @property
    def sent_bytes(self) -> int:
        """Bytes written to the operator's own line so far, SSH's own included."""
        return self._via.sent_bytes if self._via else self._sock.sent_bytes

    @property
    def received_bytes(self) -> int:
        """Bytes read from the operator's own line so far, SSH's own included."""
        return self._via.received_bytes if self._via else self._sock.received_bytes

    @property
    def queued_bytes(self) -> int:
        """Bytes that are written and have not arrived yet."""
        return self._via.queued_bytes if self._via else self._sock.queued_bytes

    def forward(self, host: str, port: int, *, what: str) -> paramiko.Channel:
        """Return a connection that the far machine makes to a port which it reaches; `what` is there, for sentences.

        Raises Unreachable when it makes none, LinkLost when the link broke.
        """
        seconds = self.target.connect_seconds
        try:
            here = ("127.0.0.1", 0)  # whoever asks: an SSH server may write it down
            return self._transport.open_channel("direct-tcpip", (host, port), here, timeout=seconds)
        except paramiko.ChannelException as error:
            raise self._not_forwarded(error, host, port, what) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self.is_alive():
                raise Unreachable(
                    f"{what} did not answer {self.target.where} within {seconds:.0f} s",
                    hint=f"is it on, and does {self.target.node} reach {host}, port {port}?",
                ) from error
            raise self.lost(str(error)) from error

    def _not_forwarded(self, error: paramiko.ChannelException, host: str, port: int, what: str) -> Unreachable:
        if error.code == _PROHIBITED:
            return Unreachable(
                f"{self.target.where} lets {self.target.user} forward nothing to {host}, port {port}",
                hint=f"allow it in sshd's configuration there: AllowTcpForwarding local, PermitOpen {host}:{port}; and "
                "no restrict or no-port-forwarding before the key in authorized_keys",
                details=(error.text,),
            )
        return Unreachable(
            f"{self.target.where} does not reach {what}",
            hint=f"does it answer there? On {self.target.node}: nc -vz {host} {port}",
            details=(error.text,),
        )

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

    def has_ended(self) -> bool:
        """Tell whether it is gone; what goes through it hears of that a moment before it is known."""
        self._transport.join(_SETTLES_SECONDS)
        return not self.is_alive()

    def lost(self, reason: str = "") -> LinkLost:
        """Return the error for the loss of this link and close what is left of it."""
        why = self._sock.lost or reason or "the connection was closed by the other side"
        if self._via is not None and self._via.has_ended():
            why = f"{self._via.target.where}, which it goes through, is gone"
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
        if self._via is not None:
            self._via.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
