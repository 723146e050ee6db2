"""What a message of anybody's can do to a service's connection: nothing, whatever its callback makes of it."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable

import paho.mqtt.publish as one
import pytest

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.bus import Bus
from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.uplink.parcel import read
from tests.stack.broker import Broker

SECONDS = 10.0


def test_a_message_that_breaks_its_callback_is_passed_over(broker: Broker, capfd: pytest.CaptureFixture[str]) -> None:
    """The next one is taken by the same connection; the broken one is acknowledged, since it would come for ever."""
    got: queue.Queue[bytes] = queue.Queue()
    there, early = threading.Event(), list[bool]()

    def take(_: str, data: bytes, taken: Callable[[], None]) -> None:
        if data == b"bad":
            raise OverflowError("int too large to convert to float")
        got.put(data)
        taken()

    def stumble() -> None:
        early.append(bus.connected)
        there.set()
        raise KeyError("gone")

    bus = Bus("fragile", Board("fragile", "1", SystemClock()), host=broker.host, port=broker.port)
    bus.subscribe("t/+", take)
    bus.on_connected(stumble)
    bus.start()
    try:
        assert there.wait(SECONDS)
        one.single("t/1", b"first", qos=1, retain=True, hostname=broker.host, port=broker.port)
        assert got.get(timeout=SECONDS) == b"first"  # so the broker has the subscription
        for data in (b"bad", b"good"):
            one.single("t/2", data, qos=1, hostname=broker.host, port=broker.port)
        assert got.get(timeout=SECONDS) == b"good"
        assert bus.connected
        assert early == [False], "who is called first puts right what was sent over the last connection"
    finally:
        bus.stop()
    said = capfd.readouterr().err
    assert "passed over: OverflowError" in said
    assert "stumbles: KeyError" in said


@pytest.mark.parametrize(
    "seen", [10**400, float("nan"), float("inf"), "soon", None], ids=["huge", "nan", "inf", "text", "none"]
)
def test_an_event_is_kept_whatever_its_hops_say(seen: object) -> None:
    """When the camera had it is only told; a number that no number can hold keeps no event from the disk."""
    doc = {"id": "a", "source": "camera", "hops": {"camera": seen}}
    assert read(json.dumps(doc).encode()).seen == 0.0
