"""A connection to the sink, stage by stage: name, TCP, TLS. What fails says at which.

Owns: that no stage takes longer than it may (the system's resolver would), and the one look behind a certificate that
is not trusted: nothing of the store is said there.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time

from edgectl.stack.uplink.target import Target

FILES, DNS, TCP, TLS, REQUEST, ANSWER = STAGES = ("files", "dns", "tcp", "tls", "request", "answer")
_HEAD_BYTES = 4096


class Broken(Exception):
    """One stage has failed; `__cause__` says how."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {cause}")
        self.stage, self.cause = stage, cause


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return whom we trust: these authorities, else the system's."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one, too
        raise Broken(FILES, error) from error


def dial(target: Target, *, ca_file: str, seconds: float, context: ssl.SSLContext | None = None) -> socket.socket:
    """Return a connection on which a request can be said; each of the three stages may take so long."""
    if target.tls and context is None:
        context = trusting(ca_file)
    link = _connect(resolve(target.host, target.port, seconds=seconds), seconds)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return link
    try:
        return context.wrap_socket(link, server_hostname=target.host)
    except (OSError, ValueError) as error:  # ValueError: a host name that TLS cannot carry
        link.close()
        raise Broken(TLS, error) from error


def resolve(host: str, port: int, *, seconds: float) -> list[tuple[int, tuple[object, ...]]]:
    """Return (family, address), in the resolver's order. It knows no time limit, so it is asked in a thread."""
    found: queue.Queue[list[tuple[int, tuple[object, ...]]] | OSError | UnicodeError] = queue.Queue()

    def ask() -> None:
        try:
            found.put([(row[0], row[4]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty as error:
        raise Broken(DNS, TimeoutError("no answer")) from error
    if isinstance(answer, (OSError, UnicodeError)):
        raise Broken(DNS, answer) from answer
    return answer


def _connect(addresses: list[tuple[int, tuple[object, ...]]], seconds: float) -> socket.socket:
    first: OSError | None = None
    until = time.monotonic() + seconds
    for count, (family, address) in enumerate(addresses):
        link = socket.socket(family, socket.SOCK_STREAM)
        # The rest of the time, shared by the addresses that are left: a dead IPv6 must not take all of it.
        link.settimeout(max((until - time.monotonic()) / (len(addresses) - count), 0.05))
        try:
            link.connect(address)
        except OSError as error:
            link.close()
            first = first or error
        else:
            link.settimeout(seconds)
            return link
    raise Broken(TCP, first or OSError("no address"))


def behind(target: Target, *, seconds: float) -> tuple[bytes, str]:
    """Return the certificate (DER) of whoever answers there, trusted or not, and the Date that they say; "" for none.

    Only to tell why a certificate is not valid at this time: no token, no event, no path is said.
    """
    der: bytes | None = None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with dial(target, ca_file="", seconds=seconds, context=context) as link:
            der = link.getpeercert(binary_form=True) if isinstance(link, ssl.SSLSocket) else None
            link.sendall(f"HEAD / HTTP/1.1\r\nHost: {target.named}\r\nConnection: close\r\n\r\n".encode())
            head, until = b"", time.monotonic() + seconds
            while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
                link.settimeout(max(until - time.monotonic(), 0.01))  # all of it: a byte now and then is no answer
                some = link.recv(_HEAD_BYTES)
                if not some:
                    break
                head += some
    except Broken:
        return b"", ""
    except OSError:  # it says no more; its certificate is here all the same
        return der or b"", ""
    dates = [line[5:].strip() for line in head.decode("latin-1").split("\r\n") if line.lower().startswith("date:")]
    return der or b"", dates[0] if dates else ""
