"""The HTTP face, on loopback with a model that adds up."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference import binary
from edgectl.stack.inference.batch import Full
from edgectl.stack.inference.protocol import Array, BadRequest
from edgectl.stack.inference.serve import Overdue, Unready
from edgectl.stack.inference.server import MAX_BODY_BYTES, Server, refused
from tests.unit.stack.inference.summing import Sum, adder, serving

INFER = "/v2/models/adder/infer"
GOOD = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


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
    """Law: alive as soon as it listens, ready only with a model that is believed."""
    assert call(server, "GET", "/v2/health/live") == (200, {"live": True})
    assert call(server, "GET", "/v2/health/ready")[0] == 503
    assert call(server, "GET", "/v2/models/adder/ready")[0] == 503
    assert call(server, "POST", "/v2/models/adder/infer", GOOD)[0] == 503
    server.service.use(adder())
    assert call(server, "GET", "/v2/health/ready") == (200, {"ready": True})
    assert call(server, "GET", "/v2/models/adder/ready") == (200, {"name": "adder", "ready": True})
    server.service.distrust("it answers its own check wrong")
    assert call(server, "GET", "/v2/health/live")[0] == 200
    for method, path in (("GET", "/v2/health/ready"), ("GET", "/v2/models/adder/ready"), ("POST", INFER)):
        status, doc = call(server, method, path, GOOD if method == "POST" else None)
        assert (status, doc["kind"]) == (503, "model")
        assert "its own check" in doc["error"]


def test_it_answers(server: Server) -> None:
    """Law: infer answers in the protocol's form, with and without the version in the path."""
    server.service.use(adder())
    for path in ("/v2/models/adder/infer", "/v2/models/adder/versions/3/infer"):
        status, doc = call(server, "POST", path, {**GOOD, "id": "a"})
        assert status == 200
        assert doc["outputs"] == [{"name": "sum", "datatype": "FP32", "shape": [1], "data": [3.0]}]
        assert (doc["model_name"], doc["model_version"], doc["id"]) == ("adder", "3", "a")


def test_it_describes_itself(server: Server) -> None:
    """Law: a client can learn the model's inputs and outputs."""
    server.service.use(adder())
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
    server.service.use(adder())
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path, b"{}")
    assert connection.getresponse().status == status
    connection.close()


def test_a_bad_request_is_400_with_a_sentence_and_the_service_goes_on(server: Server) -> None:
    """Law: a refused request harms nobody else."""
    server.service.use(adder())
    status, doc = call(server, "POST", "/v2/models/adder/infer", b"{")
    assert status == 400
    assert "not JSON" in doc["error"]
    assert call(server, "POST", "/v2/models/adder/infer", GOOD)[0] == 200


def test_a_body_needs_a_length_and_a_bound(server: Server) -> None:
    """Law: nobody makes the service read without end."""
    server.service.use(adder())
    path = "/v2/models/adder/infer"
    assert call(server, "POST", path, None, **{"Content-Length": "many"})[0] == 411
    assert call(server, "POST", path, None, **{"Content-Length": str(MAX_BODY_BYTES + 1)})[0] == 413


def test_a_failing_model_is_500_and_named(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the client gets a sentence, the log gets the error, the service stays."""
    model = Sum()
    model.broken = True
    server.service.use(adder(model))
    status, doc = call(server, "POST", "/v2/models/adder/infer", GOOD)
    assert (status, doc) == (500, {"error": "inference failed: out of memory", "kind": "model"})
    assert "out of memory" in capsys.readouterr().err
    assert call(server, "GET", "/v2/health/live")[0] == 200


def test_an_answer_says_who_gave_it(server: Server) -> None:
    """Law: tier, version and whether it was a candidate stand in the answer's parameters."""
    server.service.use(adder())
    doc = call(server, "POST", INFER, GOOD)[1]
    assert doc["parameters"] == {"tier": "full", "version": "3", "candidate": False}


def test_answers_in_bytes_bear_triton_s_headers(server: Server) -> None:
    """Law: the JSON's length stands in Inference-Header-Content-Length, the whole in Content-Length."""
    server.service.use(adder())
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    body = json.dumps({**GOOD, "parameters": {"binary_data_output": True}})
    connection.request("POST", INFER, body)
    response = connection.getresponse()
    data = response.read()
    head, rest = binary.split(data, response.getheader("Inference-Header-Content-Length"))
    assert response.getheader("Content-Type") == "application/octet-stream"
    assert json.loads(head)["outputs"][0]["parameters"] == {"binary_data_size": 4}
    assert bytes(rest) == np.float32(3).tobytes()
    connection.request("GET", "/v2")
    assert "binary_tensor_data" in json.loads(connection.getresponse().read())["extensions"]
    connection.close()


def test_too_many_at_once_are_told_to_come_again(server: Server) -> None:
    """Law: beyond the room, 503 with Retry-After at once, on a connection that stays; whoever is inside is answered.

    Seeded fault: the room is never full.
    """
    gate, entered = threading.Event(), threading.Semaphore(0)

    class Slow(Sum):
        def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
            entered.release()
            gate.wait(5)
            return super().infer(arrays)

    server.service.use(adder(Slow()))
    with ThreadPoolExecutor(2) as pool, server.room.taken(0):
        inside = pool.submit(call, server, "POST", INFER, GOOD)
        assert entered.acquire(timeout=5)
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        for _ in range(2):
            connection.request("POST", INFER, json.dumps(GOOD))
            response = connection.getresponse()
            doc = json.loads(response.read())
            assert (response.status, response.getheader("Retry-After"), doc["kind"]) == (503, "1", "network")
        gate.set()
        assert inside.result()[0] == 200
    connection.request("POST", INFER, json.dumps(GOOD))
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [({"tier": "rule"}, "tier may be"), ({"timeout": "1s"}, "microseconds"), ({"timeout": -1}, "microseconds")],
)
def test_a_wish_that_cannot_be_met_is_refused(server: Server, parameters: Any, sentence: str) -> None:
    server.service.use(adder())
    status, doc = call(server, "POST", INFER, {**GOOD, "parameters": parameters})
    assert status == 400
    assert sentence in doc["error"]


def test_a_request_s_own_deadline_is_kept(server: Server) -> None:
    """Law: parameters.timeout, in microseconds as Triton has it, is how long an answer is waited for."""
    gate = threading.Event()

    class Stuck(Sum):
        def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
            gate.wait(5)
            return super().infer(arrays)

    server.service.use(adder(Stuck()))
    assert call(server, "POST", INFER, {**GOOD, "parameters": {"timeout": 20_000}})[0] == 504
    gate.set()


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadRequest("x"), 400, ""),
        (Unready("x", "model"), 503, "model"),
        (Unready("x"), 503, "network"),
        (Full(), 503, "network"),
        (Overdue("x"), 504, "network"),
        (ArithmeticError("x"), 500, "model"),
    ],
)
def test_each_failure_has_its_name(error: Exception, status: int, kind: str) -> None:
    """Law: what passes by itself is network, what the model does wrong is model."""
    told = refused(error)
    assert (told.status, told.kind) == (status, kind)


def test_draining_answers_who_is_inside(server: Server) -> None:
    """Law: a service that ends takes nobody in any more, and finishes what it has begun."""
    gate, entered = threading.Event(), threading.Event()

    class Slow(Sum):
        def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
            entered.set()
            gate.wait(5)
            return super().infer(arrays)

    server.service.use(adder(Slow()))
    with ThreadPoolExecutor(2) as pool:
        inside = pool.submit(call, server, "POST", INFER, GOOD)
        assert entered.wait(5)
        draining = pool.submit(server.drain)
        while not server.draining:
            pass
        assert call(server, "GET", "/v2/health/ready")[0] == 503
        assert not draining.done()
        gate.set()
        assert inside.result()[0] == 200
        draining.result(timeout=5)
