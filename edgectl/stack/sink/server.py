"""The sink's HTTP: POST /events, GET /count, GET /ids. Its port of operations is another one."""

from __future__ import annotations

import hmac
import json
import ssl
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.trace import span
from edgectl.stack.sink.batch import MAX_BYTES, Batch, read
from edgectl.stack.sink.ledger import Count, Ledger

IDLE_SECONDS = 90.0

Taken = Callable[[Batch, Count], None]


class Sink(ThreadingHTTPServer):
    """`serve` opens it in a thread, `close` ends it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        ledger: Ledger,
        clock: Clock,
        *,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        taken: Taken = lambda _batch, _count: None,
        handler: type[BaseHTTPRequestHandler] | None = None,
    ) -> None:
        super().__init__(address, handler or Handler)
        self.ledger, self.clock, self.token, self.taken, self._tls = ledger, clock, token, taken, tls

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Begin with TLS where it is wanted, in the thread of this connection: a slow client holds nobody else."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(10)
        with self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def serve(self) -> threading.Thread:
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="sink")
        thread.start()
        return thread

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Sink
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Read what is sent."""
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self.close_connection = True
            return self.answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": f"0 to {MAX_BYTES:,} bytes, by Content-Length"}
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return self.take(body)

    def take(self, body: bytes) -> None:
        """Take a batch: all of it, on the disk, before the answer; or nothing, and say why."""
        if self.path.split("?", 1)[0] != "/events":
            return self.answer(HTTPStatus.NOT_FOUND, {"error": "events go to /events"})
        if not self._known():
            return self.answer(HTTPStatus.UNAUTHORIZED, {"error": "not this sink's token"})
        try:
            batch = read(body, self.headers.get("Content-Encoding") or "")
        except ValueError as error:
            return self.answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        with span("sink.take", self.headers.get("traceparent") or "", events=len(batch.ids)):
            count = self.server.ledger.take(batch.ids, canaries=batch.canaries)
        self.server.taken(batch, count)
        return self.answer(
            HTTPStatus.OK, {"taken": count.events, "duplicates": count.duplicates, "canaries": count.canaries}
        )

    def do_GET(self) -> None:
        """Say what is here."""
        path = self.path.split("?", 1)[0]
        if path == "/count":
            count = self.server.ledger.count()
            self.answer(
                HTTPStatus.OK, {"events": count.events, "duplicates": count.duplicates, "canaries": count.canaries}
            )
        elif path == "/ids":
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Connection", "close")  # its end is the end: nobody counts first
            self.end_headers()
            for name in self.server.ledger.ids():
                self.wfile.write(name.encode() + b"\n")
        else:
            self.answer(HTTPStatus.NOT_FOUND, {"error": "here are /count and /ids; events go to /events"})

    def answer(self, status: HTTPStatus, doc: Any) -> None:
        """Send one JSON document."""
        body = json.dumps(doc).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Say the time by the store's clock, which tests let run faster."""
        return formatdate(self.server.clock.now() if timestamp is None else timestamp, usegmt=True)

    def version_string(self) -> str:
        """Name nothing that has versions."""
        return "edgectl-sink"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Stay quiet: batches come every few seconds, for years."""

    def _known(self) -> bool:
        said = self.headers.get("Authorization") or ""
        return not self.server.token or hmac.compare_digest(said.encode(), f"Bearer {self.server.token}".encode())
