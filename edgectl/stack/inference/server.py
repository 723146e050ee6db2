"""The HTTP face: the protocol's paths, readiness, refusals. It listens before the model is there and is ready after.

Must not know ONNX Runtime: whatever has a model's shape can be served (`Served`).
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from edgectl.stack.inference import protocol
from edgectl.stack.inference.protocol import Array, BadRequest, Tensor

MAX_BODY_BYTES = 32 * 1024 * 1024
IDLE_SECONDS = 30.0  # a silent peer gives its thread back
_PARALLEL = 2  # inferences at once; more only wait inside the runtime, holding their memory


class Served(Protocol):
    """What the server asks of a model."""

    name: str
    version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def infer(self, arrays: Mapping[str, Array], *, outputs: Sequence[str] = ()) -> dict[str, Array]:
        """Run the model once."""


class Refusal(Exception):
    """An answer that is no success: its status and one sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Server(ThreadingHTTPServer):
    """Listens from the start; ready from `serve_model` until `drain`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], *, version: str) -> None:
        super().__init__(address, Handler)
        self.version = version
        self.model: Served | None = None
        self.failed = False
        self.turns = threading.BoundedSemaphore(_PARALLEL)

    def serve_model(self, model: Served) -> None:
        """Become ready with a warm model."""
        self.model = model

    def drain(self) -> None:
        """Be ready no more and stop; safe to call from another thread than the one that serves."""
        self.model = None
        self.shutdown()

    def fail(self) -> None:
        """Stop since there will be no model."""
        self.failed = True
        self.drain()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up; report the rest in one line."""
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"connection from {client_address}: {error!r} ({request!r})\n")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Health and descriptions."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Inference."""
        self._answer(self._post)

    def version_string(self) -> str:
        """Name the service, not the language it is written in."""
        return f"edgectl-inference/{self.server.version}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Stay quiet: probes ask every few seconds, for years."""

    def _answer(self, work: Any) -> None:
        try:
            status, doc = HTTPStatus.OK, work(tuple(part for part in self.path.split("?", 1)[0].split("/") if part))
        except Refusal as refusal:
            status, doc = refusal.status, {"error": str(refusal)}
        except BadRequest as bad:
            status, doc = HTTPStatus.BAD_REQUEST, {"error": str(bad)}
        except (ConnectionError, TimeoutError):
            raise  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 - the client gets a sentence, the log the class; the service goes on
            sys.stderr.write(f"{self.command} {self.path}: {error!r}\n")
            status, doc = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"inference failed: {error}"}
        body = json.dumps(doc).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status >= HTTPStatus.BAD_REQUEST:
            # What is left of a refused body must not be read as the next request.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def _get(self, path: tuple[str, ...]) -> dict[str, Any]:
        match path:
            case ("v2",):
                return {"name": "edgectl-inference", "version": self.server.version, "extensions": []}
            case ("v2", "health", "live"):
                return {"live": True}
            case ("v2", "health", "ready"):
                self._ready()
                return {"ready": True}
            case ("v2", "models", name, *rest):
                model, rest = self._model(name, rest)
                if rest == ["ready"]:
                    return {"name": model.name, "ready": True}
                if not rest:
                    return {
                        "name": model.name,
                        "versions": [model.version],
                        "platform": "onnxruntime_onnx",
                        "inputs": [tensor.to_json() for tensor in model.inputs],
                        "outputs": [tensor.to_json() for tensor in model.outputs],
                    }
        raise Refusal(HTTPStatus.NOT_FOUND, f"there is nothing to read at {self.path}")

    def _post(self, path: tuple[str, ...]) -> dict[str, Any]:
        if path[:2] != ("v2", "models") or path[-1] != "infer":
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is nothing to ask at {self.path}")
        model, rest = self._model(path[2], list(path[3:]))
        if rest != ["infer"]:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is nothing to ask at {self.path}")
        question = protocol.read(self._body(), inputs=model.inputs, outputs=model.outputs)
        with self.server.turns:
            arrays = model.infer(question.arrays, outputs=question.outputs)
        return protocol.answer(question, arrays, model=model.name, version=model.version, outputs=model.outputs)

    def _ready(self) -> Served:
        if self.server.model is None:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: the model is not loaded")
        return self.server.model

    def _model(self, name: str, rest: list[str]) -> tuple[Served, list[str]]:
        model = self._ready()
        if name != model.name:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is no model {name!r} here, only {model.name!r}")
        if rest[:1] == ["versions"]:
            if rest[1:2] != [model.version]:
                raise Refusal(HTTPStatus.NOT_FOUND, f"model {name!r} has version {model.version!r} only")
            return model, rest[2:]
        return model, rest

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
        if int(length) > MAX_BODY_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may have {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise BadRequest(f"the body ends after {len(body)} of {length} bytes")
        return body
