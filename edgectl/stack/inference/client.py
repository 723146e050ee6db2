"""A client of inference: one kept connection, one array there as bytes and one back, a deadline for all of it.

Owns: what a caller is told when there is no answer, in one sentence, and whether that heals by itself (`network`) or is
the model's (`model`). Standard library and numpy; not for several threads at once. Any server that speaks the protocol
with its binary extension will do (Triton does).
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.inference import binary
from edgectl.stack.inference.protocol import DATATYPES
from edgectl.stack.ops.timed import Timed
from edgectl.wire.chain import MODEL, NETWORK

_NAMES = {name: word for word, name in DATATYPES.items()}
_PASSES = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY}
    | {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_SAID = 300  # characters of an error that are passed on
_CHUNK = 1 << 16
_MOST_BYTES = 16 << 20  # of an answer


class Unanswered(Exception):
    """There is no answer; the text says why. `kind` is network or model."""

    def __init__(self, sentence: str, kind: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Client:
    """Asks `url`, e.g. http://inference:8000."""

    def __init__(self, url: str) -> None:
        found = urlsplit(url)
        if found.scheme != "http" or not found.hostname:
            raise ValueError(f"inference is at http://HOST:PORT, not at {url!r}")
        self._host, self._port = found.hostname, found.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def infer(
        self,
        array: NDArray[Any],
        *,
        model: str,
        deadline_seconds: float,
        trace: str = "",
        tier: str = "",
        tensor: str = "image",
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the model's first output and the answer's parameters (tier, version, candidate); raises Unanswered.

        `tier` "full" asks for the large model; `trace` is a W3C traceparent.
        """
        until = time.monotonic() + deadline_seconds
        data = binary.encode(array)
        asked: dict[str, Any] = {binary.ALL_WANTED: True, "timeout": int(deadline_seconds * 1e6)}
        item = {"name": tensor, "shape": list(array.shape), "datatype": _NAMES[array.dtype.name]}
        doc = {"parameters": asked, "inputs": [{**item, "parameters": {binary.SIZE: len(data)}}]}
        if tier:
            asked["tier"] = tier
        head = json.dumps(doc).encode()
        headers = {"Content-Type": binary.CONTENT_TYPE, binary.HEADER: str(len(head))}
        if trace:
            headers["traceparent"] = trace
        status, body, length = self._ask(f"/v2/models/{model}/infer", head + data, headers, until)
        if status != HTTPStatus.OK:
            raise self._refused(status, body)
        try:
            return _first(body, length)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            what = f"{type(error).__name__}: {str(error)[:_SAID]}"
            raise Unanswered(f"{self._where} answers, but not in the protocol: {what}", MODEL) from error

    def close(self) -> None:
        """Hang up; the next question connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _where(self) -> str:
        return f"inference at {self._host}:{self._port}"

    def _ask(self, path: str, body: bytes, headers: dict[str, str], until: float) -> tuple[int, bytes, str | None]:
        kept = self._connection is not None
        try:
            return self._once(path, body, headers, until)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not kept or isinstance(error, TimeoutError):
                raise Unanswered(self._silent(error), NETWORK) from error
        try:  # a kept connection may have been closed by the other side meanwhile: asking again harms nobody
            return self._once(path, body, headers, until)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unanswered(self._silent(error), NETWORK) from error

    def _once(self, path: str, body: bytes, headers: dict[str, str], until: float) -> tuple[int, bytes, str | None]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_left(until))
            self._connection.connect()

        def timed(sock: socket.socket, *given: Any, **named: Any) -> http.client.HTTPResponse:
            return http.client.HTTPResponse(Timed(sock, _left(until)), *given, **named)  # type: ignore[arg-type]

        self._connection.response_class = timed  # type: ignore[assignment]
        self._connection.sock.settimeout(_left(until))
        self._connection.request("POST", path, body, headers)
        parts: list[bytes] = []
        with self._connection.getresponse() as response:
            while part := response.read1(_CHUNK):
                parts.append(part)
                if len(parts) * _CHUNK > _MOST_BYTES and sum(map(len, parts)) > _MOST_BYTES:
                    self.close()
                    raise Unanswered(f"{self._where} answers with more than {_MOST_BYTES >> 20} MiB", MODEL)
        if response.will_close:
            self.close()
        return response.status, b"".join(parts), response.getheader(binary.HEADER)

    def _silent(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"{self._where} does not answer in time"
        return f"{self._where} cannot be asked: {str(error) or type(error).__name__}"

    def _refused(self, status: int, body: bytes) -> Unanswered:
        try:
            doc = json.loads(body)
            said, kind = str(doc["error"]), str(doc.get("kind", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            said, kind = body.decode(errors="replace"), ""
        if kind not in {NETWORK, MODEL}:
            kind = NETWORK if status in _PASSES else MODEL
        return Unanswered(f"{self._where} answers {status}: {' '.join(said.split())[:_SAID]}", kind)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _first(body: bytes, length: str | None) -> tuple[NDArray[Any], dict[str, Any]]:
    head, rest = binary.split(body, length)
    doc = json.loads(head)
    item = doc["outputs"][0]
    shape, datatype = item["shape"], DATATYPES[item["datatype"]]
    size = item.get("parameters", {}).get(binary.SIZE)
    if size is None:
        array = np.asarray(item["data"], dtype=datatype).reshape(shape)
    else:
        array = binary.decode(rest[:size], datatype, shape)
    return array, dict(doc.get("parameters", {}))
