"""The far end of the camera's way for tests: an uplink with a disk that never fails, and the sink behind it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.bus import Bus
from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.event import CANARY, Event
from edgectl.wire.document import from_json
from tests.stack.broker import Broker


class FakeUplink:
    """Takes every event. `receipts`, `arrives`: whether it tells that it has it, and that a canary is at the sink."""

    def __init__(self, broker: Broker) -> None:
        self.receipts, self.arrives = True, True
        self.events: dict[str, Event] = {}
        self.canaries: list[str] = []
        self.copies: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        board = Board("uplink", "1", SystemClock())
        self.bus = Bus("uplink", board, host=broker.host, port=broker.port, clean=False)
        self.bus.subscribe("vision/events/#", self._event)
        self.bus.subscribe("vision/frames/#", self._frame, qos=0)
        self.bus.start()

    def stop(self) -> None:
        """Be gone."""
        self.bus.stop()

    def _event(self, _: str, data: bytes, taken: Callable[[], None]) -> None:
        event = from_json(Event, json.loads(data))
        now = time.time()
        if event.kind == CANARY:
            self.canaries.append(event.id)
        else:
            self.events[event.id] = event
            self.copies[event.id] += 1
        taken()
        if self.receipts:
            self.bus.publish(f"vision/receipts/{event.source}", json.dumps({"ids": [event.id]}).encode())
        if event.kind == CANARY and self.arrives:
            at = {"bus": now, "uplink": now + 0.001, "sink": now + 0.002}
            self.bus.publish("vision/arrived", json.dumps({"id": event.id, "at": at}).encode())

    def _frame(self, topic: str, _: bytes, taken: Callable[[], None]) -> None:
        self.seen[topic] += 1
        taken()
