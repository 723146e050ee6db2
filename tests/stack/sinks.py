"""The reference sink with faults, for tests alone: slow, 500, a black hole, half an answer, 429, bad events."""

from __future__ import annotations

import json
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from edgectl.stack.ops.clock import Clock, SystemClock
from edgectl.stack.sink.ledger import MEMORY, Ledger
from edgectl.stack.sink.server import Handler, Sink
from tests.stack.certificates import Pair

SLOW, HOLE, HALF, CUT = "slow", "hole", "half", "cut"
ERROR, BUSY, DENIED, ALL_BAD = "error", "busy", "denied", "all bad"
STATUS = {
    ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    DENIED: HTTPStatus.UNAUTHORIZED,
    ALL_BAD: HTTPStatus.UNPROCESSABLE_ENTITY,
}
PASSING = (SLOW, HOLE, HALF, CUT, ERROR, BUSY)


@dataclass(frozen=True)
class Request:
    """One batch as it came."""

    at: float
    headers: dict[str, str]
    events: list[dict[str, Any]]


class FaultySink(Sink):
    """`fault` is what strikes each request from now on; `bad` are ids of events that it never takes.

    `keeps`: connections stay open between two requests.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        pair: Pair | None = None,
        token: str = "",
        clock: Clock | None = None,
        slow_seconds: float = 0.4,
        keeps: bool = True,
    ) -> None:
        self.slow_seconds, self.keeps = slow_seconds, keeps
        self.fault = ""
        self.wait = "1"  # the Retry-After of BUSY
        self.bad: set[str] = set()
        self.requests: list[Request] = []
        tls = None
        if pair is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(pair.cert, pair.key)
        super().__init__(
            (host, port), Ledger(MEMORY), clock or SystemClock(), token=token, tls=tls, handler=_FaultyHandler
        )
        self.serve()

    def ids(self) -> set[str]:
        """Return all that was taken."""
        return set(self.ledger.ids())

    def __enter__(self) -> FaultySink:
        return self

    def __exit__(self, *_: object) -> None:
        self.fault = ""
        self.close()


class _FaultyHandler(Handler):
    server: FaultySink
    extra: Mapping[str, str] = {}
    half = False

    def do_POST(self) -> None:  # noqa: N802 - the base class names it
        fault = self.server.fault
        if fault == CUT:  # in the middle of a batch
            self.rfile.read(int(self.headers["Content-Length"]) // 2)
            self.close_connection = True
        elif fault == HOLE:
            deadline = time.monotonic() + 30
            while self.server.fault == HOLE and time.monotonic() < deadline:
                time.sleep(0.02)
            self.close_connection = True
        else:
            super().do_POST()

    def take(self, body: bytes) -> None:
        sink, fault = self.server, self.server.fault
        events = [json.loads(line) for line in zlib.decompress(body).splitlines()]
        sink.requests.append(Request(time.monotonic(), dict(self.headers), events))
        if fault == SLOW:
            time.sleep(self.server.slow_seconds)
        if fault in STATUS:
            self.extra = {"Retry-After": sink.wait} if fault == BUSY else {}
            self.answer(STATUS[fault], {"error": fault})
        elif sink.bad & {event["id"] for event in events}:
            self.answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "not such an event"})
        else:
            self.half = fault == HALF
            super().take(body)

    def end_headers(self) -> None:
        for name, value in self.extra.items():
            self.send_header(name, value)
        self.extra = {}
        if not self.server.keeps:
            self.send_header("Connection", "close")
        super().end_headers()

    def answer(self, status: HTTPStatus, doc: Any) -> None:
        if not self.half:
            return super().answer(status, doc)
        self.half = False  # what is taken is taken; but nobody hears the whole answer
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        self.close_connection = True
        return None
