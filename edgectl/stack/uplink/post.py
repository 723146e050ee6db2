"""One request to the sink: a batch out, an answer back, over one connection that is kept.

Owns: the protocol's headers, the time limit of each stage, and what counts as an answer. Must not know what is sent.
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from pathlib import Path

from edgectl.stack.ops.timed import Timed
from edgectl.stack.uplink.config import SinkAt
from edgectl.stack.uplink.dial import ANSWER, FILES, REQUEST, Broken, dial
from edgectl.stack.uplink.target import Target

_ANSWER_BYTES = 64 * 1024
_TEXT = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sink has said, whole. `wait`: its Retry-After, as it stands there."""

    status: int
    wait: str = ""
    date: str = ""
    text: str = ""


class Post:
    """Not for several threads at once."""

    def __init__(self, sink: SinkAt) -> None:
        self._sink = sink
        self.target = Target.of(sink.url)
        self._link: socket.socket | None = None

    def send(self, body: bytes, *, key: str, trace: str = "") -> Reply:
        """Send a batch and return the whole answer; raises Broken. A kept connection that has gone is made anew."""
        seconds = self._sink.timeout_seconds
        request = self._head(len(body), key, trace) + body
        kept = self._link is not None
        try:
            return self._exchange(request, seconds)
        except Broken as broken:
            self.close()
            # Servers end connections that rest. Said twice does no harm: the sink knows events by their id.
            if not kept or isinstance(broken.cause, TimeoutError):
                raise
        try:
            return self._exchange(request, seconds)
        except Broken:
            self.close()
            raise

    def look(self) -> None:
        """Go as far as TLS, and say nothing; raises Broken."""
        self._head(0, "", "")  # reads the token
        dial(self.target, ca_file=self._sink.ca_file, seconds=self._sink.timeout_seconds).close()

    def close(self) -> None:
        """Let go of the connection."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _exchange(self, request: bytes, seconds: float) -> Reply:
        link = self._link or dial(self.target, ca_file=self._sink.ca_file, seconds=seconds)
        self._link = link
        link.settimeout(seconds)
        try:
            link.sendall(request)  # within `seconds`, all of it
        except OSError as error:
            raise Broken(REQUEST, error) from error
        try:
            answer = http.client.HTTPResponse(Timed(link, seconds), method="POST")  # type: ignore[arg-type]
            answer.begin()
            text = answer.read(_ANSWER_BYTES)
            if answer.length or (answer.chunked and not answer.isclosed()):
                self.close()  # more is to come than anybody reads
                if len(text) < _ANSWER_BYTES:
                    raise http.client.IncompleteRead(text)
        except (OSError, http.client.HTTPException) as error:
            raise Broken(ANSWER, error) from error
        if answer.will_close:
            self.close()
        shown = " ".join(text.decode("utf-8", "replace").split())[:_TEXT]
        heard = answer.headers
        return Reply(answer.status, heard.get("Retry-After", ""), heard.get("Date", ""), shown)

    def _head(self, length: int, key: str, trace: str) -> bytes:
        lines = [
            f"POST {self.target.path} HTTP/1.1",
            f"Host: {self.target.named}",
            "User-Agent: edgectl-uplink",
            "Content-Type: application/x-ndjson",
            "Content-Encoding: deflate",
            f"Content-Length: {length}",
            f"Idempotency-Key: {key}",
        ]
        if self._sink.token_file:
            lines.append(f"Authorization: Bearer {self._token()}")
        if trace:
            lines.append(f"traceparent: {trace}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _token(self) -> str:
        path = Path(self._sink.token_file)
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise Broken(FILES, error) from error
        if not token or not token.isprintable():
            raise Broken(FILES, ValueError(f"{path} holds no token"))
        return token
