"""Laws of workers: every frame is judged by somebody, drift hears of each, events are made as the settings say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgectl.stack.camera.judge import Judge
from edgectl.stack.camera.line import Frame, Line
from edgectl.stack.camera.motion import UNKNOWN, Motion
from edgectl.stack.camera.settings import Camera, Events, Settings
from edgectl.stack.camera.worker import Workers
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.event import Event, Seen
from edgectl.wire.chain import NETWORK
from edgectl.wire.document import from_json
from tests.stack.clocks import HandClock
from tests.stack.model import FakeClient, raw

SETTINGS = Settings(
    cameras={"door": Camera("synthetic:1"), "aisle": Camera("synthetic:2")}, events=Events("detections", 0)
)
PICTURE = np.full((64, 64, 3), 128, dtype=np.uint8)
MOVED = Motion(0.05, (0.5, 0.5, 0.25, 0.25))


class Canaries:
    """Nobody follows any here."""

    def passed(self, canary: str, hop: str) -> None:
        """Note it."""
        raise AssertionError(canary + hop)

    def stopped(self, canary: str, sentence: str) -> None:
        """Note it."""
        raise AssertionError(canary + sentence)

    def publish(self, event: Event) -> None:
        """Note it."""
        raise AssertionError(event)


class Bench:
    """Workers whose every word is kept."""

    def __init__(self, events: Events) -> None:
        self.clock, self.client = HandClock(), FakeClient()
        self.events: list[Event] = []
        self.seen: list[Seen] = []
        board = Board("camera", "1", self.clock)
        self.workers = Workers(
            replace(SETTINGS, events=events),
            Line(),
            Judge(SETTINGS.inference, board, monotonic=self.clock.monotonic),
            Canaries(),
            put=self.put,
            seen=self.see,
            wall=self.clock.now,
        )

    def put(self, name: str, topic: str, data: bytes) -> None:
        """Keep an event."""
        event = from_json(Event, json.loads(data))
        assert (name, topic) == (event.id, f"vision/events/{event.camera}")
        self.events.append(event)

    def see(self, topic: str, data: bytes) -> Any:
        """Keep what drift hears."""
        seen = from_json(Seen, json.loads(data))
        assert topic == f"vision/frames/{seen.camera}"
        self.seen.append(seen)

    def frame(self, camera: str = "door", motion: Motion = MOVED, seconds: float = 1) -> None:
        """Judge a frame, so much later."""
        self.clock.time += seconds
        self.workers.frame(self.client, Frame(camera, PICTURE, self.clock.now(), motion))


@pytest.fixture
def bench() -> Bench:
    return Bench(Events("detections", 0))


def test_a_frame_with_somebody_in_it_is_an_event(bench: Bench) -> None:
    """With its hops, its trace, which model has said it, and when."""
    bench.frame()
    (event,) = bench.events
    assert (event.camera, event.source, event.kind, event.tier, event.version) == (
        "door",
        "camera",
        "detections",
        "fast",
        "2",
    )
    assert set(event.hops) == {"camera", "inference"}
    assert event.at == bench.clock.now()
    assert event.trace == bench.client.traces[0]
    assert event.trace.startswith("00-")


def test_an_empty_frame_is_none_and_drift_hears_of_it(bench: Bench) -> None:
    bench.client.answer = raw()
    bench.frame()
    assert not bench.events
    (seen,) = bench.seen
    assert seen.scores == ()
    assert seen.brightness == pytest.approx(0.5, abs=0.01)
    assert seen.extra == {"frozen": False}


def test_all_is_all() -> None:
    bench = Bench(Events("all", 0))
    bench.client.answer = raw()
    bench.frame()
    assert len(bench.events) == 1


def test_a_camera_tells_no_more_often_than_it_may() -> None:
    """Each for itself; and a clock that was set back by a year silences nobody for a year."""
    bench = Bench(Events("all", 10))
    for camera, seconds in (("door", 1), ("door", 9), ("aisle", 0), ("door", 1), ("door", 9.5), ("door", -3e7)):
        bench.frame(camera, seconds=seconds)
    assert [event.camera for event in bench.events] == ["door", "aisle", "door", "door"]
    assert len({event.id for event in bench.events}) == 4


def test_without_inference_motion_is_told(bench: Bench) -> None:
    """Degraded, not dead: the tier says who has spoken, and no model is named."""
    bench.client.away(NETWORK)
    bench.frame()
    bench.frame(motion=UNKNOWN)
    (event,) = bench.events
    assert (event.tier, event.model, event.version) == ("rule", "", "")
    assert [one.label for one in event.detections] == ["motion"]
    assert set(event.hops) == {"camera"}
    assert [seen.tier for seen in bench.seen] == ["rule", "rule"]


def test_the_fast_tiers_word_goes_to_drift(bench: Bench) -> None:
    bench.client.parameters = {"tier": "full", "version": "2", "fast": {"score": 0.4, "agreed": False}}
    bench.frame(motion=replace(MOVED, same=True))
    assert bench.seen[0].extra == {"frozen": True, "fast": {"score": 0.4, "agreed": False}}
