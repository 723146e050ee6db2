"""The HTTP face: the protocol's paths, readiness, refusals. It listens before the model is there and is ready after.

Owns: what each failure is called in HTTP. Must not know ONNX Runtime, nor which version answers.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgectl.stack.inference import binary, protocol
from edgectl.stack.inference.batch import Full
from edgectl.stack.inference.job import Answered
from edgectl.stack.inference.loaded import Loaded
from edgectl.stack.inference.protocol import BadRequest, Question, Reply
from edgectl.stack.inference.room import Crowded, Room
from edgectl.stack.inference.serve import Overdue, Service, Unready
from edgectl.stack.ops.event import FULL
from edgectl.stack.ops.trace import span
from edgectl.wire.chain import MODEL, NETWORK

MAX_BODY_BYTES = 32 * 1024 * 1024
INSIDE_BYTES = 256 * 1024 * 1024  # of all requests that are inside
IDLE_SECONDS = 30.0  # a silent peer gives its thread back
RETRY_SECONDS = 1
DRAIN_SECONDS = 3.0  # that answers which are on their way have when the service ends
_LONGEST_SECONDS = 60.0  # that a request may give itself
_CHUNK = 1 << 16
_UNREAD = frozenset({HTTPStatus.LENGTH_REQUIRED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.NOT_FOUND})


class Refusal(Exception):
    """An answer that is no success: its status, one sentence, and whose matter it is ("": the asker's)."""

    def __init__(self, status: HTTPStatus, sentence: str, kind: str = "") -> None:
        super().__init__(sentence)
        self.status, self.kind = status, kind


class Server(ThreadingHTTPServer):
    """Listens from the start; ready when the service is, until `drain`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        service: Service,
        *,
        version: str,
        deadline_seconds: float = 5.0,
        inside: int = 64,
    ) -> None:
        super().__init__(address, Handler)
        self.service, self.version, self.deadline_seconds = service, version, deadline_seconds
        self.room = Room(inside, INSIDE_BYTES)
        self.draining = False
        self.failed = False

    def drain(self) -> None:
        """Be ready no more, answer who has asked, and stop; not from the thread that serves."""
        self.draining = True
        self.room.empty(DRAIN_SECONDS)
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
        status, reply, headers = HTTPStatus.OK, Reply({}), {}
        try:
            made = work(tuple(part for part in self.path.split("?", 1)[0].split("/") if part))
            reply = made if isinstance(made, Reply) else Reply(made)
        except (ConnectionError, TimeoutError):
            raise  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 - the client gets a sentence, the log the class; the service goes on
            refusal = refused(error)
            status, doc = refusal.status, {"error": str(refusal)}
            if refusal.kind:
                doc["kind"] = refusal.kind
            reply = Reply(doc)
            if status is HTTPStatus.INTERNAL_SERVER_ERROR:
                sys.stderr.write(f"{self.command} {self.path}: {error!r}\n")
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                headers["Retry-After"] = str(RETRY_SECONDS)
        body, length = reply.encode()
        headers["Content-Type"] = "application/json" if length is None else binary.CONTENT_TYPE
        headers["Content-Length"] = str(len(body))
        if length is not None:
            headers[binary.HEADER] = str(length)
        if status in _UNREAD or (self.command == "GET" and status is not HTTPStatus.OK):
            # What is left of a refused body must not be read as the next request.
            headers["Connection"] = "close"
            self.close_connection = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _get(self, path: tuple[str, ...]) -> dict[str, Any]:
        match path:
            case ("v2",):
                extensions = ["binary_tensor_data", "parameters"]
                return {"name": "edgectl-inference", "version": self.server.version, "extensions": extensions}
            case ("v2", "health", "live"):
                return {"live": True}
            case ("v2", "health", "ready"):
                self._ready()
                return {"ready": True}
            case ("v2", "models", name, *rest):
                model, rest = self._model(name, rest)
                if rest == ["ready"]:
                    self._ready()
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

    def _post(self, path: tuple[str, ...]) -> Reply:
        if path[:2] != ("v2", "models") or len(path) < 4 or path[-1] != "infer":  # noqa: PLR2004
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is nothing to ask at {self.path}")
        size = self._size()
        try:
            with self.server.room.taken(size):
                return self._infer(path, self._body(size))
        except Crowded as crowded:
            for at in range(0, size, _CHUNK):  # its body, so that the connection can be kept
                self.rfile.read(min(_CHUNK, size - at))
            raise Full from crowded

    def _infer(self, path: tuple[str, ...], body: bytes) -> Reply:
        self._ready()
        model, rest = self._model(path[2], list(path[3:]))
        if rest != ["infer"]:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is nothing to ask at {self.path}")
        question = protocol.read(
            body, inputs=model.inputs, outputs=model.outputs, header=self.headers.get(binary.HEADER)
        )
        parent = self.headers.get("traceparent", "")
        if not parent:
            said = self._ask(question)
        else:
            with span("inference.infer", parent, model=model.name):
                said = self._ask(question)
        parameters: dict[str, Any] = {"tier": said.tier, "version": said.version, "candidate": said.candidate}
        if said.fast is not None:
            parameters["fast"] = asdict(said.fast)
        return protocol.answer(
            question,
            said.outputs,
            model=said.model,
            version=said.version,
            outputs=model.outputs,
            parameters=parameters,
        )

    def _ask(self, question: Question) -> Answered:
        tier, timeout = question.parameters.get("tier", ""), question.parameters.get("timeout", 0)
        if tier not in {"", FULL}:
            raise BadRequest(f'parameters: tier may be "{FULL}" only, not {tier!r}')
        if type(timeout) is not int or timeout < 0:
            raise BadRequest(f"parameters: timeout must be microseconds, not {timeout!r}")
        seconds = min(timeout / 1e6, _LONGEST_SECONDS) or self.server.deadline_seconds
        return self.server.service.ask(question.arrays, deadline_seconds=seconds, full=tier == FULL)

    def _ready(self) -> None:
        stage = self.server.service.stage
        if self.server.draining:
            raise Unready("the service ends")
        if stage.current is None or stage.unfit:
            raise Unready(stage.unfit, stage.kind)

    def _model(self, name: str, rest: list[str]) -> tuple[Loaded, list[str]]:
        model = self.server.service.stage.current
        if model is None:
            raise Unready(self.server.service.stage.unfit)
        if name != model.name:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is no model {name!r} here, only {model.name!r}")
        if rest[:1] == ["versions"]:
            if rest[1:2] != [model.version]:
                raise Refusal(HTTPStatus.NOT_FOUND, f"model {name!r} has version {model.version!r} only")
            return model, rest[2:]
        return model, rest

    def _size(self) -> int:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
        if int(length) > MAX_BODY_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may have {MAX_BODY_BYTES} bytes")
        return int(length)

    def _body(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:
            raise BadRequest(f"the body ends after {len(body)} of {size} bytes")
        return body


def refused(error: Exception) -> Refusal:
    """Return how a failure is told in HTTP."""
    match error:
        case Refusal():
            return error
        case BadRequest():
            return Refusal(HTTPStatus.BAD_REQUEST, str(error))
        case Unready():
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {error}", error.kind)
        case Full():
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests wait; ask again in a moment", NETWORK)
        case Overdue():
            return Refusal(HTTPStatus.GATEWAY_TIMEOUT, str(error), NETWORK)
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"inference failed: {error}", MODEL)
