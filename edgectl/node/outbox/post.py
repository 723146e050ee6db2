"""One entry told to the uplink: an HTTP POST that ends in time, whatever the other side does or does not.

Owns: the connection, TLS by the system's own store, the deadline. Follows no redirect: the token is for one address.
Must not know the queue. No sentence from here holds the token.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from urllib.parse import SplitResult, urlsplit

_ANSWER_BYTES = 4096  # of an answer's body, which nobody reads


class Unsent(Exception):
    """The entry may or may not have arrived: it is told again. The text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; `after` are the seconds for which it asked to be left alone."""

    status: int
    after: float = 0.0


class Poster:
    """Posts entries to one address over one connection, as long as that stands."""

    def __init__(self, url: str, token: str = "") -> None:
        self._at: SplitResult = urlsplit(url)
        self._headers = {"User-Agent": "edgectl-node"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: HTTPConnection | None = None

    @property
    def where(self) -> str:
        """Name the other side in a sentence."""
        return f"{self._at.scheme}://{self._at.netloc}"

    def post(self, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
        """Tell one entry; Unsent when there was no answer within so many seconds.

        It happens in a thread of its own: neither the resolver nor a server that answers a byte a second has a
        deadline of its own.
        """
        done: Future[Answer] = Future()
        Thread(target=self._settle, args=(done, body, headers, seconds), daemon=True).start()
        try:
            return done.result(seconds)
        except OutOfTime as error:
            self.close()
            raise Unsent(f"{self.where} did not answer within {seconds:.0f} s") from error

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _settle(self, done: Future[Answer], body: bytes, headers: Mapping[str, str], seconds: float) -> None:
        try:
            done.set_result(self._post(body, headers, seconds))
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            done.set_exception(error)

    def _post(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        stood = self._connection is not None
        try:
            return self._once(body, headers, seconds)
        except (OSError, HTTPException) as error:
            self.close()
            if not stood or isinstance(error, TimeoutError):
                raise Unsent(self._why(error, seconds)) from None
        try:  # a connection that stood idle may be gone by the other side's own rule
            return self._once(body, headers, seconds)
        except (OSError, HTTPException) as error:
            self.close()
            raise Unsent(self._why(error, seconds)) from None

    def _once(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        connection = self._connection = self._connection or self._open()
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        connection.request("POST", self._at.path or "/", body=body, headers={**self._headers, **headers})
        answer = connection.getresponse()
        answer.read(_ANSWER_BYTES)
        if not answer.isclosed():  # it has more to say than anybody reads
            self.close()
        after = answer.headers.get("Retry-After") or ""
        return Answer(answer.status, float(after) if after.isascii() and after.isdigit() else 0.0)

    def _open(self) -> HTTPConnection:
        host, port = self._at.hostname or "", self._at.port
        if self._at.scheme == "https":
            return HTTPSConnection(host, port, context=ssl.create_default_context())
        return HTTPConnection(host, port)

    def _why(self, error: Exception, seconds: float) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
            said = error.verify_message
            return f"{self.where} has a certificate that this node does not trust: {said} (by its clock it is {now})"
        if isinstance(error, TimeoutError):
            return f"{self.where} did not answer within {seconds:.0f} s"
        if isinstance(error, OSError):
            return f"{self.where} cannot be reached: {error.strerror or type(error).__name__}"
        return f"{self.where} does not speak HTTP: {type(error).__name__}"
