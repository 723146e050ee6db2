"""The drift service as its pod runs it, on a real bus: frames in, a retained summary out, and it ends in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edgectl.stack.ops.event import FRAMES, Seen
from edgectl.wire.document import canonical
from tests.ports import free_port
from tests.stack.broker import Broker

SECONDS = 20.0


class Listener:
    """A client of the bus that keeps the newest message of each topic."""

    def __init__(self, broker: Broker) -> None:
        self.got: dict[str, bytes] = {}
        self.news = threading.Condition()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._message
        self.client.connect(broker.host, broker.port)
        self.client.subscribe("vision/drift/#", 1)
        self.client.loop_start()

    def _message(self, _: Any, __: Any, message: mqtt.MQTTMessage) -> None:
        with self.news:
            self.got[message.topic] = bytes(message.payload)
            self.news.notify_all()


class Running:
    """The service's process, a hundred times as fast as the clock."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.port, config = free_port(), folder / "settings.json"
        config.write_text(
            json.dumps({"bus": {"host": broker.host, "port": broker.port}, "data": str(folder), "report_seconds": 30})
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgectl.stack.drift", "--config", config, "--ops-port", str(self.port)],
            env={**os.environ, "EDGECTL_CLOCK": f"100@{time.time():.0f}"},
        )

    def get(self, path: str) -> str:
        """Ask its port of operations, as soon as it is there."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                assert time.monotonic() < deadline, "the service does not answer"
                time.sleep(0.05)


@pytest.fixture
def running(broker: Broker, tmp_path: Path) -> Iterator[Running]:
    service = Running(broker, tmp_path)
    yield service
    service.process.kill()
    service.process.wait(timeout=10)


def test_frames_become_a_summary(broker: Broker, running: Running, tmp_path: Path) -> None:
    """Frames are counted and told of, also to who comes late; SIGTERM ends it with 0, and what was learnt is kept."""
    listener = Listener(broker)
    frame = canonical(Seen(time.time(), "door", "m", "1", "full", (0.9,), 0.5, 0.2, 0.3))
    deadline = time.monotonic() + SECONDS
    with listener.news:
        while not any(told["hours"] for told in map(json.loads, listener.got.values())):
            assert time.monotonic() < deadline, running.get("/status")
            listener.client.publish(f"{FRAMES}/door", frame)
            listener.client.publish(f"{FRAMES}/door", b"rubbish")
            listener.news.wait(0.05)
    assert list(listener.got) == ["vision/drift/door"]
    late = Listener(broker)
    with late.news:
        assert late.news.wait_for(lambda: late.got, timeout=SECONDS)
    status = json.loads(running.get("/status"))
    assert status["links"]["bus"]["word"] == status["links"]["camera:door"]["word"] == "ready"
    metrics = running.get("/metrics")
    assert 'vision_drift_frames_total{camera="door"}' in metrics
    assert "vision_drift_refused_total" in metrics
    for client in (listener, late):
        client.client.disconnect()
        client.client.loop_stop()

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=5) == 0
    assert "door" in json.loads((tmp_path / "drift.json").read_text())["cameras"]
