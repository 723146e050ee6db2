"""Whoever makes events, as the camera service does it: kept until the uplink's receipt, sent again without one."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edgectl.stack.ops.event import ARRIVED, CANARY, EVENTS, RECEIPTS, Detection, Event, new_id
from edgectl.wire.document import canonical

RESEND_SECONDS = 2.0  # a camera waits for 30


def event(source: str, *, kind: str = "detections", at: float | None = None) -> Event:
    """Return one as a camera makes it."""
    found = tuple(
        Detection("person", _part(), (_part(), _part(), _part(), _part())) for _ in range(secrets.randbelow(4))
    )
    now = time.time()
    return Event(
        new_id(),
        now if at is None else at,
        source,
        source,
        kind,
        "tiny-detector",
        "2",
        "full",
        found,
        "",
        {"camera": now},
    )


def _part() -> float:
    return secrets.randbelow(10_000) / 10_000


class Producer:
    """Publishes at once; `close` ends it. `receipted` holds the ids that the uplink has promised to keep."""

    def __init__(self, host: str, port: int, source: str) -> None:
        self.source = source
        self.made: set[str] = set()
        self.receipted: set[str] = set()
        self.arrived: dict[str, dict[str, Any]] = {}
        self._waiting: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Condition()
        self._stop = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=source)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._client.connect_async(host, port, keepalive=10)
        self._client.loop_start()
        self._again = threading.Thread(target=self._resend, daemon=True)
        self._again.start()

    def make(self, count: int = 1, *, at: float | None = None) -> None:
        """Make events and send each."""
        for _ in range(count):
            new = event(self.source, at=at)
            data = canonical(new)
            with self._lock:
                self.made.add(new.id)
                self._waiting[new.id] = (data, time.monotonic())
            self._client.publish(f"{EVENTS}/{self.source}", data, qos=1)

    def canary(self) -> str:
        """Send a canary; returns its id."""
        new = event(self.source, kind=CANARY)
        self._client.publish(f"{EVENTS}/{self.source}", canonical(new), qos=1)
        return new.id

    def until(self, what: str, *, seconds: float = 60.0) -> None:
        """Wait until there is "receipts" for all that was made, or an "arrived"."""
        with self._lock:
            good = self._lock.wait_for(lambda: not self._waiting if what == "receipts" else self.arrived, seconds)
            without = f"{len(self._waiting)} of {len(self.made)} events of {self.source} without a receipt"
            assert good, without if what == "receipts" else f"no canary of {self.source} has arrived; {without}"

    def close(self) -> None:
        """Send no more."""
        self._stop.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._again.join(5)

    def _connected(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(f"{RECEIPTS}/{self.source}", 1), (ARRIVED, 1)])
        with self._lock:
            waiting = list(self._waiting.values())
        for data, _at in waiting:
            client.publish(f"{EVENTS}/{self.source}", data, qos=1)

    def _message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        doc = json.loads(message.payload)
        with self._lock:
            if message.topic == ARRIVED:
                self.arrived[doc["id"]] = doc["at"]
            else:
                self.receipted |= set(doc["ids"])
                for name in doc["ids"]:
                    self._waiting.pop(name, None)
            self._lock.notify_all()

    def _resend(self) -> None:
        while not self._stop.wait(0.25):
            now = time.monotonic()
            with self._lock:
                late = [(name, data) for name, (data, at) in self._waiting.items() if now - at > RESEND_SECONDS][:200]
                for name, data in late:
                    self._waiting[name] = (data, now)
            for _, data in late:
                self._client.publish(f"{EVENTS}/{self.source}", data, qos=1)
