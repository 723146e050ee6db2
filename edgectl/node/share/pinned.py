"""TLS between two nodes that know each other by one certificate, made for one deploy and told to both over SSH.

Owns both ends' settings. The private key is in memory only. No clock is asked: a node's may be wrong by a decade.
"""

from __future__ import annotations

import os
import socket
import ssl


def serving(certificate: str, key: str) -> ssl.SSLContext:
    """Return the settings of the end that hands out. Raises OSError when they are no certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    memory = os.memfd_create("edgectl-share")  # no file has ever held it; the library reads by name only
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(f"{certificate}\n{key}".encode())
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return context


def dialled(address: str, port: int, certificate: str, *, seconds: float) -> ssl.SSLSocket:
    """Return a connection to whoever holds the key of this very certificate. Raises OSError, ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # no name, no authority: this certificate or none
    context.load_verify_locations(cadata=certificate)
    raw = socket.create_connection((address, port), seconds)
    try:
        return context.wrap_socket(raw)  # the socket's timeout is of the whole handshake
    except BaseException:
        raw.close()
        raise
