"""The camera with the real inference service and the reference model: what walks through the film is what is told."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.stack.camera.service import Service
from edgectl.stack.camera.settings import Camera, Events, Inference, Settings
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.settings import BusAddress
from edgectl.wire.chain import Crossing
from edgectl.wire.document import from_json
from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.camera.uplink import FakeUplink

MODELS = Path(__file__).parents[3] / "templates" / "models"


def there(port: int) -> bool:
    """Tell whether the service is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture
def inference() -> Iterator[str]:
    """Serve the reference model; gives the address."""
    port, ops = free_port(), free_port()
    flags = ["--models", str(MODELS), "--host", "127.0.0.1", "--port", str(port), "--ops-port", str(ops)]
    running = subprocess.Popen([sys.executable, "-m", "edgectl.stack.inference", *flags])
    deadline = time.monotonic() + 30
    while not there(port):
        assert time.monotonic() < deadline
        assert running.poll() is None
        threading.Event().wait(0.05)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(timeout=10)


def test_what_walks_through_the_film_is_told(broker: Broker, inference: str) -> None:
    """Persons and carts by the model, not by the rule; a canary beside the cameras crosses in half a second at p95."""
    uplink = FakeUplink(broker)
    settings = Settings(
        cameras={name: Camera(f"synthetic:{seed}", fps=5) for name, seed in (("door", 7), ("aisle", 8))},
        inference=Inference(inference),
        bus=BusAddress(broker.host, broker.port),
        events=Events(min_interval_seconds=0),
    )
    # Ten times as fast: people come by within seconds.
    service = Service(settings, Board("camera", "1", SystemClock(10)), SystemClock(10), env={})
    service.start()
    try:
        crossings: list[Crossing] = []
        deadline = time.monotonic() + 30
        while len(crossings) < 20 or len(uplink.events) < 20:
            assert time.monotonic() < deadline, (crossings[-1:], len(uplink.events))
            status, doc = service.routes["POST /canary"](b'{"wait_seconds": 2}')
            if status == 200 and doc["reached"] == "sink":
                crossings.append(from_json(Crossing, doc))
            threading.Event().wait(0.2)
    finally:
        service.end()
        uplink.stop()
    events = list(uplink.events.values())
    assert {one.label for event in events for one in event.detections} <= {"person", "cart", "motion"}
    by_model = [event for event in events if event.tier != "rule"]
    assert len(by_model) >= 0.8 * len(events)
    assert {event.version for event in by_model} == {"2"}
    assert min(uplink.seen["vision/frames/door"], uplink.seen["vision/frames/aisle"]) > 0
    times = sorted(one.total_ms for one in crossings)
    assert times[-(-len(times) * 95 // 100) - 1] < 500, times
