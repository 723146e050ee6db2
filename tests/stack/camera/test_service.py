"""Laws of the camera service, with a real bus: everything it needs may go and come; what it has told arrives once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.stack.camera.service import Service
from edgectl.stack.camera.settings import Camera, Events, Inference, OutboxRoom, Settings
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.door import Door
from edgectl.stack.ops.settings import BusAddress
from edgectl.wire.chain import DEGRADED, INPUT, MODEL, NETWORK, NOT_READY, READY, RESOURCE, Crossing
from edgectl.wire.document import from_json
from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.camera.answering import Answering
from tests.stack.camera.film import film
from tests.stack.camera.uplink import FakeUplink

DOOR = Camera("synthetic:7", fps=20, motion=0)
LOST = Camera("file:/nowhere/film.mp4")


def until(true: Callable[[], object], what: str, seconds: float = 15) -> None:
    """Wait until something is true; it failed if it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        threading.Event().wait(0.01)


class Store:
    """A camera service between a real bus and stand-ins for inference and the uplink."""

    def __init__(self, broker: Broker, inference: Answering) -> None:
        self.broker, self.inference = broker, inference
        self.uplink = FakeUplink(broker)
        self.board = Board("camera", "1", SystemClock())
        self.service: Service | None = None

    def start(
        self, *, cameras: dict[str, Camera] | None = None, room: int = 10_000, resend: float = 30, speed: float = 1.0
    ) -> None:
        """Start the service."""
        settings = Settings(
            cameras={"door": DOOR} if cameras is None else cameras,
            inference=Inference(self.inference.url, deadline_ms=300),
            bus=BusAddress(self.broker.host, self.broker.port),
            outbox=OutboxRoom(room, resend),
            events=Events(min_interval_seconds=0),
        )
        self.service = Service(settings, self.board, SystemClock(speed), env={})
        self.service.start()

    def end(self) -> None:
        """End everything."""
        if self.service is not None:
            self.service.end()
        self.uplink.stop()

    def canary(self, seconds: float = 1.8) -> Crossing:
        """Send one."""
        assert self.service is not None
        _, doc = self.service.routes["POST /canary"](json.dumps({"wait_seconds": seconds}).encode())
        return from_json(Crossing, doc)

    def word(self, link: str) -> tuple[str, str]:
        """Return how a link is."""
        state = self.board.state(link)
        return state.word, state.kind

    def outbox(self) -> Any:
        """Return the outbox's figures."""
        return self.board.status().facts["outbox"]

    def well(self) -> bool:
        """Tell whether nothing is wrong."""
        return self.board.status().state.word == READY


@pytest.fixture
def inference() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


@pytest.fixture
def store(broker: Broker, inference: Answering) -> Iterator[Store]:
    made = Store(broker, inference)
    yield made
    made.end()


def test_frames_become_events_and_are_receipted(store: Store) -> None:
    """Judged by the model, traced through it, told once, let go; drift hears of every frame."""
    store.start()
    until(lambda: len(store.uplink.events) >= 10, "ten events")
    until(store.well, "all is well")
    event = next(event for event in store.uplink.events.values() if event.tier != "rule")
    assert (event.camera, event.tier, event.version, event.source) == ("door", "full", "2", "camera")
    assert event.trace in store.inference.traces
    assert store.inference.shapes == {(1, 3, 64, 64)}
    assert max(store.uplink.copies.values()) == 1
    until(lambda: store.outbox()["waiting"] < 5 <= store.outbox()["received"], "receipts")
    until(lambda: store.uplink.seen["vision/frames/door"] >= 10, "ten frames")


def test_without_inference_motion_is_told_and_reading_goes_on(store: Store) -> None:
    """A server that hangs costs its deadline now and then, no frame of the camera, no event; and then it is back."""
    store.start()
    until(store.well, "all is well")
    store.inference.hang = True
    until(lambda: store.word("inference") == (DEGRADED, NETWORK), "the state")
    assert "does not answer in time" in store.board.state("inference").reason
    before = store.board.status().facts["cameras"]["door"]["frames"]
    until(lambda: any(event.tier == "rule" for event in store.uplink.events.values()), "the rule's word")
    until(lambda: store.board.status().facts["cameras"]["door"]["frames"] > before + 10, "reading goes on")
    store.inference.hang = False
    store.inference.ended.set()
    until(store.well, "it is back")


def test_a_model_that_fails_is_named_at_once(store: Store) -> None:
    store.start()
    until(store.well, "all is well")
    store.inference.status = 500
    until(lambda: store.word("inference") == (DEGRADED, MODEL), "the state", 2)
    assert "no numbers" in store.board.state("inference").reason
    store.inference.status = 200
    until(store.well, "it is back")


def test_a_bus_that_dies_with_all_that_it_holds_loses_no_event(store: Store) -> None:
    """It comes back empty: what had no receipt is sent again, and each event is one for whoever counts ids.

    Again, too, what was sent before the uplink was back: such a bus has kept it for nobody.
    """
    store.start(resend=3)
    until(lambda: len(store.uplink.events) >= 5, "events")
    store.uplink.receipts = False
    have = set(store.uplink.events)
    until(lambda: len(store.uplink.events) >= len(have) + 5, "events without a receipt")
    store.broker.stop()
    until(lambda: store.word("bus") == (DEGRADED, NETWORK), "the state")
    until(lambda: "uplink" not in store.board.status().links, "of the uplink nothing is known")
    waited = store.outbox()["waiting"]
    until(lambda: store.outbox()["waiting"] >= waited + 20, "events wait")
    store.uplink.events.clear()
    store.uplink.receipts = True
    store.broker.start()
    until(store.well, "it is back", 30)
    until(lambda: store.outbox()["waiting"] < 5, "all are receipted")
    figures = store.outbox()
    assert figures["lost"] == 0
    assert len(store.uplink.events) >= waited + 20


def test_without_receipts_it_says_so_and_sends_again_after_30_seconds(store: Store) -> None:
    """Of the store's clock: here one that runs sixty times as fast."""
    store.uplink.receipts = False
    store.start(cameras={"door": Camera("synthetic:7", fps=0.2, motion=0)}, speed=60)
    until(lambda: store.word("uplink") == (DEGRADED, NETWORK), "the state")
    until(lambda: max(store.uplink.copies.values(), default=0) >= 3, "sent again")
    until(lambda: store.board.state("uplink").reason.startswith("no receipt for"), "the reason")
    assert store.word("bus") == (READY, "")
    store.uplink.receipts = True
    until(store.well, "it is back")


def test_a_full_outbox_says_so_and_goes_on(store: Store) -> None:
    store.uplink.receipts = False
    store.start(room=20)
    until(lambda: store.outbox()["lost"] > 10 if "outbox" in store.board.status().facts else False, "some are lost")
    until(lambda: store.word("outbox") == (DEGRADED, RESOURCE), "the state")
    assert store.board.state("outbox").reason.startswith("bus full: 20 events wait")
    store.uplink.receipts = True
    until(store.well, "it is back")


@pytest.mark.parametrize(
    ("cameras", "word"),
    [({"door": DOOR, "aisle": LOST}, DEGRADED), ({"aisle": LOST, "back": LOST}, NOT_READY)],
    ids=["one of two", "both"],
)
def test_a_camera_that_is_gone_degrades_all_of_them_end_it(store: Store, cameras: dict[str, Camera], word: str) -> None:
    """A canary crosses all the same."""
    store.start(cameras=cameras)
    until(lambda: store.canary(5).reached == "sink", "a canary")
    until(lambda: store.board.status().state.reason.endswith("No such file or directory"), "the reason")
    state = store.board.status().state
    assert (state.word, state.kind) == (word, INPUT)
    none = "none of 2 cameras gives frames; " if word == NOT_READY else ""
    assert state.reason == f"{none}camera:aisle: /nowhere/film.mp4: No such file or directory"


def test_a_camera_that_comes_back_is_taken_back(store: Store, tmp_path: Path) -> None:
    """With nobody there."""
    store.start(cameras={"door": Camera(f"file:{tmp_path}/door.mp4", motion=0)})
    until(lambda: store.word("camera:door") == (NOT_READY, INPUT), "gone")
    film(tmp_path / "new.mp4")
    (tmp_path / "new.mp4").rename(tmp_path / "door.mp4")
    until(store.well, "it is back")
    until(lambda: store.uplink.events, "an event")


def test_canaries_need_no_camera_and_are_no_events(store: Store) -> None:
    """Four at a time, well within half a second each; drift and the outbox hear of none."""
    store.start(cameras={})
    until(lambda: store.word("bus") == (READY, ""), "the bus")
    until(lambda: store.canary(5).reached == "sink", "the uplink is there")
    threading.Event().wait(1)
    found: list[Crossing] = []
    threads = [threading.Thread(target=lambda: found.append(store.canary(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [one.stopped for one in found] == [""] * 4
    assert {tuple(one.ms) for one in found} == {("camera", "inference", "bus", "uplink", "sink")}
    assert max(one.total_ms for one in found) < 500
    assert store.outbox()["waiting"] == 0
    assert not store.uplink.events
    assert not store.uplink.seen


@pytest.mark.parametrize(
    ("broken", "reached", "said"),
    [
        ("inference", "camera", "inference at 127.0.0.1"),
        ("bus", "inference", "bus: "),
        ("uplink", "bus", "uplink: no receipt within 2 s"),
        ("sink", "uplink", "sink: not acknowledged within 2 s"),
    ],
)
def test_a_canary_says_where_it_stopped(store: Store, broken: str, reached: str, said: str) -> None:
    store.start(cameras={})
    until(lambda: store.canary(5).reached == "sink", "all is well")
    if broken == "inference":
        store.inference.close()
    elif broken == "bus":
        store.broker.stop()
        until(lambda: store.word("bus") == (DEGRADED, NETWORK), "the state")
    elif broken == "uplink":
        store.uplink.receipts = store.uplink.arrives = False
    else:
        store.uplink.arrives = False
    crossing = store.canary(2)
    assert crossing.reached == reached
    assert crossing.stopped.startswith(said)


def test_a_canary_does_not_wait_behind_a_crowd_of_cameras(store: Store) -> None:
    """Twelve cameras keep the workers busy; its turn is next."""
    store.start(cameras={f"c{at}": Camera(f"synthetic:{at}", fps=30, motion=0) for at in range(12)})
    until(lambda: store.canary(5).reached == "sink", "all is well")
    threading.Event().wait(1)
    # Behind a crowd each of them would wait; one may meet a machine that is busy itself.
    assert min(store.canary(5).ms["camera"] for _ in range(3)) < 300


class Process:
    """The service as it runs in a pod."""

    def __init__(self, config: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "edgectl.stack.camera", "--config", str(config), "--ops-port", str(self.port)]
        env = {**os.environ, "EDGECTL_CLOCK": "60@1764277200"}
        self.running = subprocess.Popen(command, env=env)

    def get(self, path: str, body: bytes | None = None) -> Any:
        """Ask at its port of operations; None while nobody is there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", body, timeout=5) as answer:
                return json.loads(answer.read()) if path != "/metrics" else answer.read().decode()
        except urllib.error.HTTPError as error:
            return json.loads(error.read())
        except OSError:
            return None

    def end(self) -> int:
        """End it as Kubernetes does."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(timeout=5)


@pytest.fixture
def process(broker: Broker, inference: Answering, tmp_path: Path) -> Iterator[Process]:
    config = tmp_path / "camera.json"
    doc = {"cameras": {"door": {"source": "synthetic:7", "fps": 0.5}}, "inference": {"url": inference.url}}
    config.write_text(json.dumps({**doc, "bus": {"host": broker.host, "port": broker.port}}))
    made = Process(config)
    yield made
    made.running.kill()
    made.running.wait(timeout=5)


def test_as_a_process_it_answers_and_ends_on_sigterm(process: Process) -> None:
    until(lambda: (process.get("/ready") or {}).get("ready"), "ready")
    assert process.get("/status")["service"] == "camera"
    assert process.get("/canary", b"{}")["reached"] in {"inference", "bus"}
    assert 'vision_camera_frames_read_total{camera="door"}' in process.get("/metrics")
    assert process.end() == 0


def test_settings_that_cannot_be_meant_are_said_where_the_chain_looks(tmp_path: Path) -> None:
    """It stays, says what is wrong, and ends when it is told to."""
    config = tmp_path / "camera.json"
    config.write_text('{"cameras": {"door": {"source": "ftp://x"}}}')
    process = Process(config)
    try:
        until(lambda: ((process.get("/status") or {}).get("state") or {}).get("kind") == "config", "the state")
        assert "cameras.door.source: 'ftp://x' is not" in process.get("/status")["state"]["reason"]
        assert process.get("/ready") == {"ready": False, "reason": process.get("/status")["state"]["reason"]}
        assert process.end() == 0
    finally:
        process.running.kill()


def test_the_door_has_the_canary(store: Store) -> None:
    """POST, as the chain's gate asks."""
    store.start(cameras={})
    assert store.service is not None
    door = Door(store.board, host="127.0.0.1", port=0, routes=store.service.routes)
    door.serve()
    try:
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"http://127.0.0.1:{door.port}/canary", b'{"wait_seconds": 99}', timeout=5)
    finally:
        door.close()
