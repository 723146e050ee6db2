"""SSH's transport with one round trip less: the log-in goes out together with the request for the log-in service.

RFC 4253 section 10 asks a client to wait for the service only after *implicit* server authentication; ours is explicit
(the pinned host key has signed the exchange before anything is sent).
Must not know targets, keys' origins or commands.
"""

from __future__ import annotations

import socket
import threading
from typing import cast

from edgectl.control.link.meter import MeteredSocket
from edgectl.control.link.ssh import AuthHandler, cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST, paramiko

WINDOW_BYTES = 8 * 1024 * 1024  # what the node may send ahead: 600 ms links stay full
PACKET_BYTES = 32 * 1024
# AEAD first: one pass in C instead of cipher and HMAC, about twice the throughput of the library's own order.
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)


class _Login(AuthHandler):
    """Send the log-in without waiting for the service to be granted; a refusal of it ends the connection anyway."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._ask = not transport.asked
        transport.asked = True

    def _request_auth(self) -> None:
        if self._ask:
            super()._request_auth()  # type: ignore[misc]
        granted = paramiko.Message()
        granted.add_string("ssh-userauth")
        granted.rewind()
        super()._parse_service_accept(granted)  # type: ignore[misc]

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        """Do nothing: the log-in is on its way."""


class Transport(paramiko.Transport):
    """A paramiko transport for one log-in and one command."""

    def __init__(self, sock: MeteredSocket) -> None:
        wire = cast("socket.socket", sock)  # it needs five of a socket's methods
        super().__init__(wire, default_window_size=WINDOW_BYTES, default_max_packet_size=PACKET_BYTES)
        self.asked = False

    def offer_only(self, host_key_algorithms: tuple[str, ...]) -> None:
        """Let the server prove itself with these algorithms only."""
        options = self.get_security_options()
        options.key_types = host_key_algorithms
        options.ciphers = _CIPHERS

    def exchange(self, *, seconds: float) -> None:
        """Exchange keys; TimeoutError when it takes longer, SSHException when it fails."""
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = seconds
        self.start_client(timeout=seconds)
        if not self.initial_kex_done:
            raise TimeoutError

    def log_in(self, user: str, key: paramiko.PKey) -> None:
        """Offer one key, signed at once (no probe); AuthenticationException when it is refused."""
        event = threading.Event()
        login = _Login(self)
        self.auth_handler = login
        login.auth_publickey(user, key, event)
        if login.wait_for_response(event):
            raise paramiko.AuthenticationException("the server wants a second factor after the key")

    def execute(self, channel: paramiko.Channel, command: str) -> None:
        """Start a command without waiting for the answer: what it writes is the answer."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(False)
        message.add_string(command)
        self._send_user_message(message)  # type: ignore[attr-defined]

    def probe(self) -> None:
        """Ask for something that every SSH server answers, if only with a refusal; called by the reader itself."""
        if self.packetizer.need_rekey() or not self.clear_to_send.is_set():
            return  # while keys are exchanged only the exchange may speak
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send_message(message)  # type: ignore[attr-defined]
