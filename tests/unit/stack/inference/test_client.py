"""The client: bytes both ways over one connection, and one sentence when there is no answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference.client import Client, Unanswered
from tests.unit.stack.inference.summing import adder, serving


def test_the_client_speaks_bytes_over_one_connection() -> None:
    """Law: an array goes and comes as bytes; the connection is kept; a dropped one is opened again, unseen."""
    with serving() as server:
        server.service.use(adder())
        client = Client(f"http://127.0.0.1:{server.server_port}")
        array = np.array([[1, 2], [3, 4]], dtype=np.float32)
        for _ in range(3):
            got, parameters = client.infer(array, model="adder", deadline_seconds=5, tensor="x", tier="full")
            assert got.dtype == np.float32
            assert got.tolist() == [3.0, 7.0]
            assert parameters["version"] == "3"
            kept = client._connection
            assert kept is not None
            assert client.infer(array, model="adder", deadline_seconds=5, tensor="x")[0].tolist() == [3.0, 7.0]
            assert client._connection is kept
            kept.sock.shutdown(socket.SHUT_RDWR)
        client.close()


class Teller(BaseHTTPRequestHandler):
    """Answers what a test tells it to."""

    said: tuple[int, bytes] = (200, b"")

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.said[0])
        self.end_headers()
        self.wfile.write(self.said[1])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Stay quiet."""


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (503, b"no healthy upstream", "network", "answers 503: no healthy upstream"),
        (503, b'{"error": "wrong", "kind": "model"}', "model", "answers 503: wrong"),
        (429, b"[]", "network", "answers 429"),
        (504, b"", "network", "answers 504"),
        (500, b'{"error": "inference failed:\\n NaN"}', "model", "answers 500: inference failed: NaN"),
        (404, b'{"error": "no model"}', "model", "answers 404: no model"),
        (200, b"<html>", "model", "not in the protocol"),
        (200, b'{"outputs": []}', "model", "not in the protocol"),
        (200, b'{"outputs": [{"name": "y", "datatype": "BYTES", "shape": [1]}]}', "model", "not in the protocol"),
        (200, b'{"outputs": [{"datatype": "FP32", "shape": [1], "data": [1%s]}]}' % (b"0" * 400), "model", "protocol"),
        (200, b'{"outputs": [{"datatype": "FP32", "shape": [1], "parameters": []}]}', "model", "not in the protocol"),
        (200, b"[" * 99_999, "model", "not in the protocol"),
        (200, b" " * (17 << 20), "model", "answers with more than 16 MiB"),
    ],
)
def test_what_is_no_answer_is_one_sentence(status: int, body: bytes, kind: str, sentence: str) -> None:
    """Law: faults that pass and faults of the model are told apart, whoever answers."""
    Teller.said = (status, body)
    with HTTPServer(("127.0.0.1", 0), Teller) as other:
        threading.Thread(target=other.handle_request, daemon=True).start()
        client = Client(f"http://127.0.0.1:{other.server_port}")
        with pytest.raises(Unanswered, match=sentence) as no:
            client.infer(np.zeros((1, 2), np.float32), model="m", deadline_seconds=5)
        client.close()
    assert no.value.kind == kind
    assert "\n" not in str(no.value)


def test_nobody_there_and_nobody_answering_are_network() -> None:
    """Law: a closed port is named at once, a silent one at the deadline."""
    array = np.zeros((1, 2), np.float32)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unanswered, match="in time") as late:
            Client(f"http://127.0.0.1:{port}").infer(array, model="m", deadline_seconds=0.05)
    with pytest.raises(Unanswered, match="cannot be asked") as refused_:
        Client(f"http://127.0.0.1:{port}").infer(array, model="m", deadline_seconds=1)
    assert (late.value.kind, refused_.value.kind) == ("network", "network")


class Dripper(Teller):
    """One letter of a header now and then, without an end."""

    def do_POST(self) -> None:
        """Drip."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.1)


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """Law: the deadline is of the whole answer, its head, too: a camera's worker is held by nobody."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Dripper) as other:
        other.daemon_threads = True
        threading.Thread(target=other.handle_request, daemon=True).start()
        client, began = Client(f"http://127.0.0.1:{other.server_port}"), time.monotonic()
        with pytest.raises(Unanswered, match="in time"):
            client.infer(np.zeros((1, 2), np.float32), model="m", deadline_seconds=0.4)
        assert time.monotonic() - began < 5
        client.close()


def test_a_server_that_hangs_up_after_each_answer_is_asked_again() -> None:
    """Law: whether connections are kept is the server's matter."""
    tensor = {"name": "y", "datatype": "FP32", "shape": [1], "data": [7]}
    Teller.said = (200, json.dumps({"outputs": [tensor], "parameters": {"tier": "full"}}).encode())
    with HTTPServer(("127.0.0.1", 0), Teller) as other:
        client = Client(f"http://127.0.0.1:{other.server_port}")
        for _ in range(2):
            threading.Thread(target=other.handle_request, daemon=True).start()
            got, said = client.infer(np.zeros((1, 2), np.float32), model="m", deadline_seconds=5)
            assert (got.tolist(), said) == ([7.0], {"tier": "full"})
        client.close()
