"""A service's port of operations: GET /live, /ready, /status, /metrics, and what else the service answers there.

Owns: HTTP for people, probes, Prometheus and the chain's gate. Must not know what any service does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgectl.stack.ops.board import Board
from edgectl.wire.chain import NOT_READY
from edgectl.wire.document import to_json

PORT = 9100
MAX_BODY_BYTES = 1024 * 1024
IDLE_SECONDS = 10.0

Answer = tuple[HTTPStatus, Any]  # a JSON value
Route = Callable[[bytes], Answer]  # takes the request's body


class Door(ThreadingHTTPServer):
    """Answers from the start; `routes` by "METHOD /path". `serve` opens it in a thread, `close` ends it."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, board: Board, *, host: str = "", port: int = PORT, routes: Mapping[str, Route] = {}) -> None:
        super().__init__((host, port), _Handler)
        self.board = board
        self.routes = {"GET /live": self._live, "GET /ready": self._ready, "GET /status": self._status, **routes}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def serve(self) -> threading.Thread:
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="door")
        thread.start()
        return thread

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up."""

    def _live(self, _: bytes) -> Answer:
        return HTTPStatus.OK, {"live": True}

    def _ready(self, _: bytes) -> Answer:
        own = self.board.status().state
        if own.word == NOT_READY:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "reason": own.reason}
        return HTTPStatus.OK, {"ready": True, "reason": own.reason}

    def _status(self, _: bytes) -> Answer:
        return HTTPStatus.OK, to_json(self.board.status())


class _Handler(BaseHTTPRequestHandler):
    server: Door
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def version_string(self) -> str:
        return "edgectl"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Stay quiet: probes ask every few seconds, for years."""

    def _answer(self) -> None:
        path = self.path.split("?", 1)[0]
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b'{"error": "too large"}', "application/json")
        body = self.rfile.read(int(length))
        if self.command == "GET" and path == "/metrics":
            from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

            return self._send(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
        route = self.server.routes.get(f"{self.command} {path}")
        if route is None:
            return self._send(HTTPStatus.NOT_FOUND, b'{"error": "nothing is here"}', "application/json")
        try:
            status, doc = route(body)
        except Exception as error:  # noqa: BLE001 - the asker gets a sentence; the service goes on
            status, doc = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"{type(error).__name__}: {error}"}
        return self._send(status, json.dumps(doc).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
