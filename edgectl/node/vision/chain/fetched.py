"""One HTTP request with a deadline and a cap, and a sentence for every way in which it can fail.

Owns: what is wrong with a connection, in words for people, down to a certificate's very fault.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgectl.node.vision.chain.line import Line
from edgectl.wire.chain import CLOCK, CONFIG, NETWORK

MOST_BYTES = 256 * 1024
_CHUNK = 16 * 1024
_PORTS = {"http": 80, "https": 443}
_EXPIRED, _NOT_YET, _WRONG_NAME = 10, 9, 62  # of X509_verify_cert(3)
_TLS = {
    _EXPIRED: ("its TLS certificate expired", CLOCK),
    _NOT_YET: ("its TLS certificate is not yet valid: is the clock right?", CLOCK),
    _WRONG_NAME: ("its TLS certificate has another name", CONFIG),
}


class Unheard(Exception):
    """No answer: `reason` is a sentence, `kind` as of wire.chain; `silent` when nothing at all was said."""

    def __init__(self, reason: str, kind: str = NETWORK, *, silent: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.kind, self.silent = reason, kind, silent


@dataclass(frozen=True)
class Fetched:
    """An answer."""

    status: int
    body: bytes


def fetch(line: Line, url: str, *, body: bytes | None = None) -> Fetched:
    """Ask (POST with a body); Unheard when there is no whole answer in time."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.sock = _connected(line, host, port, tls=parts.scheme == "https")
        headers = {"Connection": "close", "Content-Type": "application/json"} if body is not None else {}
        connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
        connection.sock.settimeout(line.left())
        response = connection.getresponse()
        return Fetched(response.status, _read(line, connection, response))
    except (OSError, http.client.HTTPException) as error:
        raise unheard(error) from error
    finally:
        connection.close()


def unheard(error: Exception) -> Unheard:
    """Return what an error means to a person."""
    if isinstance(error, TimeoutError):
        return Unheard("no answer in time")
    if isinstance(error, ConnectionRefusedError):
        return Unheard("connection refused")
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return Unheard("it breaks the connection off")
    if isinstance(error, socket.gaierror):
        return Unheard("its name does not resolve")
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"its TLS certificate is not trusted: {error.verify_message}"
        return Unheard(*_TLS.get(error.verify_code, (said, CONFIG)))
    if isinstance(error, ssl.SSLError):
        return Unheard(f"no TLS: {error.reason or error}")
    if isinstance(error, http.client.HTTPException):
        return Unheard(f"it does not speak HTTP ({type(error).__name__})", CONFIG, silent=False)
    strerror = getattr(error, "strerror", None)
    return Unheard(str(strerror or error).lower())


def _connected(line: Line, host: str, port: int, *, tls: bool) -> socket.socket:
    sock = line.connect(host, port)
    if not tls:
        return sock
    sock.settimeout(line.left())
    return line.keep(ssl.create_default_context().wrap_socket(sock, server_hostname=host))


def _read(line: Line, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> bytes:
    data = b""
    while len(data) <= MOST_BYTES:
        if connection.sock is not None:
            connection.sock.settimeout(line.left())
        chunk = response.read1(_CHUNK)
        if not chunk:
            if response.length:  # as many bytes are missing
                raise Unheard("it breaks the connection off in its answer")
            return data
        data += chunk
    raise Unheard(f"it answers with more than {MOST_BYTES // 1024} KiB", CONFIG, silent=False)
