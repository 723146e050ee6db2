"""Who listens to the uplink's receipts from beside the node: `python -m tests.e2e.receipts HOST PORT`, an id a line.

Owns: that what it has heard outlives the node's power: it is written by this machine. Run in the node's network. Canary
frames have receipts, too, and are no events: so it tells the receipts of events that it has seen go by.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edgectl.stack.ops.event import CANARY, EVENTS, RECEIPTS


def main(host: str, port: int) -> None:
    """Listen until killed."""
    events: set[str] = set()

    def connected(client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(f"{EVENTS}/+", 1), (f"{RECEIPTS}/+", 1)])

    def heard(_: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        doc = json.loads(message.payload)
        if message.topic.startswith(RECEIPTS):
            for name in events.intersection(doc["ids"]):
                sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
            events.difference_update(doc["ids"])
        elif doc["kind"] != CANARY:
            events.add(doc["id"])

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect, client.on_message = connected, heard
    client.connect_timeout = 2.0
    client.reconnect_delay_set(1, 1)
    client.connect_async(host, port, keepalive=10)
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
