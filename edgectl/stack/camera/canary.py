"""Canary frames: a known picture sent the way of any frame, followed from hop to hop, and how far it came.

Owns: POST /canary, with its limits, and the sentence that names the hop where it stopped. It needs no camera.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from edgectl.stack.camera import metrics
from edgectl.stack.camera.line import Frame, Line
from edgectl.stack.camera.picture import Picture
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.bus import LINK as BUS
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.door import Answer
from edgectl.stack.ops.event import CANARY, EVENTS, Event, new_id
from edgectl.wire.chain import HOPS, Crossing
from edgectl.wire.document import canonical, to_json

PER_SECOND = 5
WAIT_SECONDS, LONGEST_SECONDS = 1.8, 10.0


class Delivers(Protocol):
    """What it needs of the bus."""

    @property
    def connected(self) -> bool:
        """Whether the bus is there."""

    def deliver(self, topic: str, data: bytes) -> Callable[[], bool] | None:
        """Send it; what it returns tells whether the bus has it, None that it was not taken."""


@dataclass(slots=True)
class _Way:
    began: float
    at: dict[str, float] = field(default_factory=dict)  # by hop
    stopped: str = ""
    on_bus: Callable[[], bool] | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Canaries:
    """Safe to use from many threads."""

    def __init__(
        self,
        picture: Picture,
        line: Line,
        bus: Delivers,
        board: Board,
        *,
        clock: Clock,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._picture, self._line, self._bus, self._board = picture, line, bus, board
        self._clock, self._wall, self._monotonic = clock, wall, monotonic
        self._lock = threading.Lock()
        self._ways: dict[str, _Way] = {}
        self._tokens, self._filled = float(PER_SECOND), monotonic()

    def ask(self, body: bytes) -> Answer:
        """Send one and wait for it: {"wait_seconds": 1.8} -> a Crossing."""
        try:
            seconds = _seconds(body)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}
        if not self._may():
            return HTTPStatus.TOO_MANY_REQUESTS, {"error": f"{PER_SECOND} canaries a second, no more: ask again later"}
        name, way = new_id(), _Way(self._wall())
        with self._lock:
            self._ways[name] = way
        if self._line.ahead(Frame(CANARY, self._picture, self._clock.now(), canary=name)):
            way.over.wait(seconds)
        with self._lock:
            del self._ways[name]
            crossing = self._crossing(name, way, seconds)
        metrics.CANARIES.labels(crossing.reached or "none").inc()
        return HTTPStatus.OK, to_json(crossing)

    def passed(self, canary: str, hop: str) -> None:
        """Note that it is past a hop, now."""
        self._note(canary, {hop: self._wall()})

    def stopped(self, canary: str, sentence: str) -> None:
        """Note that it goes no further, and why."""
        with self._lock:
            way = self._ways.get(canary)
            if way is not None:
                way.stopped = sentence
                way.over.set()

    def publish(self, event: Event) -> None:
        """Put it on the bus. It waits in no outbox: late, it would say nothing."""
        if not self._bus.connected:
            self.stopped(event.id, f"bus: {self._board.state(BUS).reason}")
            return
        on_bus = self._bus.deliver(f"{EVENTS}/{event.camera}", canonical(event))
        if on_bus is None:
            self.stopped(event.id, "bus: it takes no more messages now")
            return
        with self._lock:
            way = self._ways.get(event.id)
            if way is not None:
                way.on_bus = on_bus

    def receipt(self, ids: Iterable[str]) -> None:
        """Note that the uplink has some of them on its disk."""
        for canary in ids:
            self.passed(canary, "uplink")

    def arrived(self, _: str, data: bytes, taken: Callable[[], None]) -> None:
        """Take {"id": ..., "at": {...}} off the bus: the sink has acknowledged it."""
        try:
            doc = json.loads(data)
            canary = doc["id"]
            at = {hop: float(doc["at"][hop]) for hop in HOPS if hop in doc["at"]}
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            canary, at = "", {}
        if isinstance(canary, str):
            self._note(canary, {**at, "sink": at.get("sink", self._wall())})
        taken()

    def _note(self, canary: str, at: dict[str, float]) -> None:
        with self._lock:
            way = self._ways.get(canary)
            if way is not None:
                way.at.update(at)
                if "sink" in at:
                    way.over.set()

    def _may(self) -> bool:
        with self._lock:
            now = self._monotonic()
            self._tokens = min(float(PER_SECOND), self._tokens + (now - self._filled) * PER_SECOND)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def _crossing(self, name: str, way: _Way, seconds: float) -> Crossing:
        known = {*way.at}
        if way.on_bus is not None and way.on_bus():
            known.add("bus")
        reached = max(known, key=HOPS.index, default="")
        ms, before = {}, way.began
        for hop in HOPS:
            if hop in way.at:
                ms[hop] = round(max(way.at[hop] - before, 0.0) * 1000, 3)
                before = max(before, way.at[hop])
        stopped = "" if reached == "sink" else way.stopped or self._silence(reached, seconds)
        return Crossing(name, reached, ms, stopped)

    def _silence(self, reached: str, seconds: float) -> str:
        """Return where it was lost, for one that nobody has stopped."""
        if reached == "inference" and not self._bus.connected:
            return f"bus: {self._board.state(BUS).reason}"
        sentences = {
            "": f"camera: no worker has taken it, {len(self._line)} frames wait",
            "camera": "inference: no answer",
            "inference": "bus: it has not acknowledged it",
            "bus": "uplink: no receipt",
            "uplink": "sink: not acknowledged",
        }
        return f"{sentences[reached]} within {seconds:g} s"


def _seconds(body: bytes) -> float:
    """Return how long to wait; ValueError says what is wrong with the question."""
    try:
        doc: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(doc, dict):
        raise ValueError('the body is {"wait_seconds": SECONDS}')
    seconds = doc.get("wait_seconds", WAIT_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_SECONDS:
        raise ValueError(f"wait_seconds is a number above 0 and up to {LONGEST_SECONDS:g}")
    return float(seconds)
