"""Laws of canaries: each is followed from hop to hop, where it stopped is one sentence, and no camera is needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest

from edgectl.stack.camera.canary import PER_SECOND, Canaries
from edgectl.stack.camera.judge import Judge
from edgectl.stack.camera.line import CANARIES, Frame, Line
from edgectl.stack.camera.settings import Settings
from edgectl.stack.camera.worker import Workers
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.event import Event
from edgectl.wire.chain import MODEL, NETWORK, Crossing
from edgectl.wire.document import from_json
from tests.stack.clocks import HandClock
from tests.stack.model import FakeClient

PICTURE = np.full((64, 64, 3), 128, dtype=np.uint8)


class Way:
    """A bus, an uplink and a sink behind the camera, each as far as `until` says."""

    def __init__(self) -> None:
        self.connected, self.takes, self.until = True, True, "sink"
        self.clock, self.client = HandClock(), FakeClient()
        self.board = Board("camera", "1", self.clock)
        self.board.ready("bus")
        self.line = Line()
        self.seen: list[Event] = []
        self.canaries = Canaries(
            PICTURE, self.line, self, self.board, clock=self.clock, wall=self.clock.now, monotonic=self.clock.monotonic
        )
        judge = Judge(Settings().inference, self.board)
        self.workers = Workers(
            Settings(), self.line, judge, self.canaries, put=_never, seen=_never, wall=self.clock.now
        )
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.workers.run, args=(self.client, self.stop), daemon=True)

    def deliver(self, topic: str, data: bytes) -> Callable[[], bool] | None:
        """Take it as far as `until`."""
        assert topic == "vision/events/canary"
        event = from_json(Event, json.loads(data))
        self.seen.append(event)
        if not self.takes:
            return None
        if self.until in {"uplink", "sink"}:
            self.clock.time += 0.01
            self.canaries.receipt([event.id, "another"])
        if self.until == "sink":
            at = {"bus": self.clock.time - 0.006, "uplink": self.clock.time, "sink": self.clock.time + 0.02}
            self.canaries.arrived("", json.dumps({"id": event.id, "at": at}).encode(), lambda: None)
        return lambda: self.until != "inference"

    def ask(self, seconds: float = 0.05) -> Crossing:
        """Send one and wait so many real seconds for what does not come."""
        status, doc = self.canaries.ask(json.dumps({"wait_seconds": seconds}).encode())
        assert status == HTTPStatus.OK
        return from_json(Crossing, doc)


def _never(*_: Any) -> None:
    raise AssertionError("a canary is no event, and drift hears of none")


@pytest.fixture
def way() -> Iterator[Way]:
    made = Way()
    made.thread.start()
    yield made
    made.stop.set()


def test_a_canary_arrives_with_the_time_of_each_hop(way: Way) -> None:
    crossing = way.ask(5)
    assert (crossing.reached, crossing.stopped) == ("sink", "")
    assert list(crossing.ms) == ["camera", "inference", "bus", "uplink", "sink"]
    assert crossing.ms["bus"] == pytest.approx(4, abs=0.01)
    assert crossing.ms["uplink"] == pytest.approx(6, abs=0.01)
    assert crossing.total_ms == pytest.approx(30, abs=0.01)
    assert (way.seen[0].kind, way.seen[0].id) == ("canary", crossing.id)


@pytest.mark.parametrize(
    ("until", "said"), [("inference", "bus: "), ("bus", "uplink: no receipt"), ("uplink", "sink: not acknowledged")]
)
def test_where_it_was_lost_is_said(way: Way, until: str, said: str) -> None:
    """Its acknowledgement tells of the bus, its receipt of the uplink."""
    way.until = until
    crossing = way.ask(1.0)  # long enough for a worker on a busy machine
    assert crossing.reached == until
    assert crossing.stopped.startswith(said)
    assert crossing.stopped.endswith("within 1 s")


def test_inference_that_does_not_answer_stops_it_at_once(way: Way) -> None:
    """No canary goes on by rule: it would say that inference is well."""
    way.client.away(MODEL, "inference answers 500: no numbers")
    crossing = way.ask(5)
    assert (crossing.reached, crossing.stopped) == ("camera", "inference answers 500: no numbers")
    assert not way.seen


def test_a_bus_that_is_away_stops_it_at_once(way: Way) -> None:
    way.connected = False
    way.board.degraded("bus", "bus:1883 does not answer", NETWORK)
    crossing = way.ask(5)
    assert (crossing.reached, crossing.stopped) == ("inference", "bus: bus:1883 does not answer")
    way.connected, way.takes = True, False
    assert way.ask(5).stopped == "bus: it takes no more messages now"


def test_busy_workers_are_said() -> None:
    """It waits ahead of everybody, and no longer than it was told to."""
    way = Way()
    way.line.offer(Frame("door", PICTURE, 0.0))
    crossing = way.ask()
    assert (crossing.reached, crossing.ms) == ("", {})
    assert crossing.stopped.startswith("camera: no worker has taken it, 2 frames wait")


def test_five_a_second_and_no_more(way: Way) -> None:
    """Who asks too often is told so; a second later it may."""
    asked = [way.canaries.ask(b"")[0] for _ in range(PER_SECOND + 2)]
    assert asked[:PER_SECOND] == [HTTPStatus.OK] * PER_SECOND
    assert asked[-1] == HTTPStatus.TOO_MANY_REQUESTS
    way.clock.time += 1
    assert way.ask(5).reached == "sink"


def test_several_at_once_do_not_mix(way: Way) -> None:
    found: list[Crossing] = []
    threads = [threading.Thread(target=lambda: found.append(way.ask(5))) for _ in range(PER_SECOND)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert {one.reached for one in found} == {"sink"}
    assert {one.id for one in found} == {one.id for one in way.seen}
    assert len({one.id for one in found}) == PER_SECOND


def test_a_full_line_is_no_wait() -> None:
    way = Way()
    for at in range(CANARIES):
        way.line.ahead(Frame("canary", PICTURE, 0.0, canary=str(at)))
    assert way.ask(10).stopped.startswith("camera: ")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"5", b'{"wait_seconds": 0}', b'{"wait_seconds": 11}', b'{"wait_seconds": true}', b"[" * 99_999],
)
def test_a_question_that_is_none_is_answered_so(way: Way, body: bytes) -> None:
    status, doc = way.canaries.ask(body)
    assert status == HTTPStatus.BAD_REQUEST
    assert doc["error"]


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b'{"id": []}', b'{"id": {}, "at": {}}', b'{"id": "a", "at": {"bus": "x"}}'),
        b'{"id": "a", "at": {"bus": 1' + b"0" * 400 + b"}}",
    ],
)
def test_what_is_no_arrival_is_passed_over(way: Way, data: bytes) -> None:
    taken: list[bool] = []
    way.canaries.arrived("", data, lambda: taken.append(True))
    assert taken == [True]
