"""A client of inference: how long it was without an answer, as one in the store was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from edgectl.node.vision.client import Client, client_of
from edgectl.wire.payload import Inference
from tests.unit.node.fake import FakeNode


class Hands:
    """A clock that is turned by hand."""

    now = 100.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now


def _asked(*questions: tuple[float, bool], end: float) -> float:
    clock = Hands()
    client = Client(lambda: True, clock)
    for at, answered in questions:
        clock.now = at
        client.took(answered=answered)
    clock.now = end
    return client.away()


def test_between_two_answers_with_a_question_without_one() -> None:
    """Law: the longest of them, from the last answer to the next. Seeded: from the first question without one."""
    questions = ((100.2, True), (100.4, False), (101.4, True), (101.6, False), (101.8, False), (103.6, True))
    assert round(_asked(*questions, end=104.0), 6) == 2.2


def test_slow_questions_that_all_are_answered_are_no_pause() -> None:
    """Law: time alone is none. Seeded: any time between two answers."""
    assert _asked((102.0, True), (108.0, True), end=109.0) == 0.0


def test_the_gates_answer_ends_it() -> None:
    """Law: the gate was answered before the client asked again: that is the end of the pause. Seeded: it is not."""
    assert _asked((100.2, False), end=101.5) == 1.5


@contextmanager
def _served(status: int, asked: Event) -> Iterator[int]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            asked.set()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _client(node: FakeNode, port: int) -> Client | None:
    node.kube.objects["/api/v1/namespaces/vision/services/inference"] = {"spec": {"clusterIP": "127.0.0.1"}}
    return client_of(node, Inference("vision", "inference", port, "tiny", {"inputs": []}, (0.5,)))


@pytest.mark.loopback("a server of inference")
def test_it_asks_the_service_by_its_address(node: FakeNode) -> None:
    """Law: an answer is one; what a server says that has no model is none. Seeded: whatever is said is one."""
    for status, silent in ((200, False), (503, True)):
        asked = Event()
        with _served(status, asked) as port:
            client = _client(node, port)
            assert client is not None
            assert asked.wait(10)
            assert (client.away() > 0) is silent
        assert not client.is_alive()


def test_where_there_is_no_service_yet_nobody_asks(node: FakeNode) -> None:
    """On a first deploy, say; nor where the API cannot be asked."""
    assert client_of(node, Inference("vision", "inference", 1, "tiny", {}, (0.5,))) is None
