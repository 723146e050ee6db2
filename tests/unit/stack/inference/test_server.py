"""The HTTP face, on loopback with a model that adds up."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference.protocol import Array, Tensor
from edgectl.stack.inference.server import MAX_BODY_BYTES, Server

GOOD = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}


class Adder:
    """A model."""

    name = "adder"
    version = "3"
    inputs: tuple[Tensor, ...] = (Tensor("x", "FP32", (-1, 2)),)
    outputs: tuple[Tensor, ...] = (Tensor("sum", "FP32", (-1,)),)
    broken = False

    def infer(self, arrays: Mapping[str, Array], *, outputs: Sequence[str] = ()) -> dict[str, Array]:
        """Add up."""
        if self.broken:
            raise RuntimeError("out of memory")
        return {name: np.asarray(arrays["x"].sum(axis=1)) for name in outputs}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), version="test") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=5)


def call(server: Server, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_it_lives_before_it_is_ready(server: Server) -> None:
    """Law: alive as soon as it listens, ready only with a model, and no more after drain."""
    assert call(server, "GET", "/v2/health/live") == (200, {"live": True})
    assert call(server, "GET", "/v2/health/ready")[0] == 503
    assert call(server, "GET", "/v2/models/adder/ready")[0] == 503
    assert call(server, "POST", "/v2/models/adder/infer", GOOD)[0] == 503
    server.serve_model(Adder())
    assert call(server, "GET", "/v2/health/ready") == (200, {"ready": True})
    assert call(server, "GET", "/v2/models/adder/ready") == (200, {"name": "adder", "ready": True})


def test_it_answers(server: Server) -> None:
    """Law: infer answers in the protocol's form, with and without the version in the path."""
    server.serve_model(Adder())
    for path in ("/v2/models/adder/infer", "/v2/models/adder/versions/3/infer"):
        status, doc = call(server, "POST", path, {**GOOD, "id": "a"})
        assert status == 200
        assert doc["outputs"] == [{"name": "sum", "datatype": "FP32", "shape": [1], "data": [3.0]}]
        assert (doc["model_name"], doc["model_version"], doc["id"]) == ("adder", "3", "a")


def test_it_describes_itself(server: Server) -> None:
    """Law: a client can learn the model's inputs and outputs."""
    server.serve_model(Adder())
    assert call(server, "GET", "/v2")[1]["name"] == "edgectl-inference"
    status, doc = call(server, "GET", "/v2/models/adder")
    assert status == 200
    assert doc["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert doc["versions"] == ["3"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/models", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/adder/versions/2", 404),
        ("GET", "/v2/models/adder/infer", 404),
        ("POST", "/v2", 404),
        ("POST", "/v2/models/infer", 404),
        ("POST", "/v2/models/adder/x/infer", 404),
        ("PUT", "/v2/models/adder/infer", 501),
    ],
)
def test_what_is_not_there_is_not_found(server: Server, method: str, path: str, status: int) -> None:
    """Law: a wrong path is the client's mistake, never a crash."""
    server.serve_model(Adder())
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path, b"{}")
    assert connection.getresponse().status == status
    connection.close()


def test_a_bad_request_is_400_with_a_sentence_and_the_service_goes_on(server: Server) -> None:
    """Law: a refused request harms nobody else."""
    server.serve_model(Adder())
    status, doc = call(server, "POST", "/v2/models/adder/infer", b"{")
    assert status == 400
    assert "not JSON" in doc["error"]
    assert call(server, "POST", "/v2/models/adder/infer", GOOD)[0] == 200


def test_a_body_needs_a_length_and_a_bound(server: Server) -> None:
    """Law: nobody makes the service read without end."""
    server.serve_model(Adder())
    path = "/v2/models/adder/infer"
    assert call(server, "POST", path, None, **{"Content-Length": "many"})[0] == 411
    assert call(server, "POST", path, None, **{"Content-Length": str(MAX_BODY_BYTES + 1)})[0] == 413


def test_a_failing_model_is_500_and_named(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the client gets a sentence, the log gets the error, the service stays."""
    model = Adder()
    model.broken = True
    server.serve_model(model)
    status, doc = call(server, "POST", "/v2/models/adder/infer", GOOD)
    assert (status, doc) == (500, {"error": "inference failed: out of memory"})
    assert "out of memory" in capsys.readouterr().err
    assert call(server, "GET", "/v2/health/live")[0] == 200
