"""An inference server for tests: any client of the protocol's binary extension, answered as it is told to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from edgectl.stack.inference import binary
from tests.stack.model import raw


class Answering(ThreadingHTTPServer):
    """Sees somebody in the middle. `hang`: says nothing; `status`: refuses with it; `cells`: where somebody is."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hang, self.status, self.cells = False, 200, (27,)
        self.asked, self.gone = 0, False
        self.shapes: set[tuple[int, ...]] = set()
        self.traces: list[str] = []
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hang up."""

    def close(self) -> None:
        """Be gone."""
        self.gone = True
        self.ended.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Answering
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer."""
        server = self.server
        if server.gone:  # over connections that were kept, too
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head, data = binary.split(body, self.headers[binary.HEADER])
        asked = json.loads(head)
        server.asked += 1
        server.shapes.add(tuple(asked["inputs"][0]["shape"]))
        server.traces.append(self.headers.get("traceparent", ""))
        assert len(data) == asked["inputs"][0]["parameters"][binary.SIZE]
        if server.hang:
            server.ended.wait(30)
        if server.status != 200:
            self._send(server.status, json.dumps({"error": "no numbers"}).encode(), None)
            return
        answer = raw(*server.cells)
        numbers = binary.encode(answer)
        output = {"name": "detections", "datatype": "FP32", "shape": list(answer.shape)}
        doc = {"model_name": "tiny-detector", "parameters": {"tier": "full", "version": "2", "candidate": False}}
        text = json.dumps({**doc, "outputs": [{**output, "parameters": {binary.SIZE: len(numbers)}}]}).encode()
        self._send(200, text + numbers, str(len(text)))

    def _send(self, status: int, body: bytes, head: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if head is not None:
            self.send_header(binary.HEADER, head)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Stay quiet."""
