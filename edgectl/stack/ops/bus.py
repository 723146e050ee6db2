"""The bus: one MQTT 3.1.1 client that connects again for ever, and says on the board how it stands.

Owns: the connection. A message that a callback has taken is acknowledged only when the callback says so (`taken`), so
what a service has not kept is delivered again (paho's manual_ack); one that breaks its callback is said and passed
over, since it would end paho's thread now and after each restart. Must not know topics or events.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edgectl.stack.ops.board import Board
from edgectl.wire.chain import CONFIG, NETWORK

LINK = "bus"
KEEPALIVE_SECONDS = 10
_QUEUED = 1000  # messages that wait in this process while the bus is away; beyond it `publish` says no

Taken = Callable[[], None]
Taker = Callable[[str, bytes, Taken], None]


class Bus:
    """Call `start`, then `publish`; callbacks run in paho's thread. `clean=False` keeps subscriptions over restarts."""

    def __init__(self, name: str, board: Board, *, host: str, port: int = 1883, clean: bool = True) -> None:
        self._board, self._host, self._port = board, host, port
        self._takers: dict[str, tuple[int, Taker]] = {}
        self._called: list[Callable[[], None]] = []
        self._connections = 0
        self._refused = self._is_there = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean, manual_ack=True)
        self._client.max_queued_messages_set(_QUEUED)
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(1, 5)
        self._client.connect_timeout = 3.0
        user, password = os.environ.get("BUS_USER", ""), os.environ.get("BUS_PASSWORD", "")
        if user:
            self._client.username_pw_set(user, password)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._lost
        self._client.on_message = self._message

    def subscribe(self, topic: str, taker: Taker, *, qos: int = 1) -> None:
        """Let `taker` have what comes on a topic filter; say it before `start`."""
        self._takers[topic] = (qos, taker)

    def on_connected(self, call: Callable[[], None]) -> None:
        """Have `call` called each time the bus is there (again), in paho's thread; say it before `start`."""
        self._called.append(call)

    def start(self) -> None:
        """Connect in the background, for ever."""
        self._board.degraded(LINK, f"not connected to {self._host}:{self._port} yet", NETWORK)
        self._client.connect_async(self._host, self._port, keepalive=KEEPALIVE_SECONDS)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Tell whether the bus is there now, and whoever is called when it comes has been."""
        return self._is_there and self._client.is_connected()

    def publish(self, topic: str, data: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over to be sent; False when it was not taken (not connected with QoS 0, or too many wait)."""
        return self._client.publish(topic, data, qos=qos, retain=retain).rc == mqtt.MQTT_ERR_SUCCESS

    def deliver(self, topic: str, data: bytes) -> Callable[[], bool] | None:
        """Send with QoS 1; what it returns tells whether the bus has acknowledged it, None that it was not taken."""
        sent = self._client.publish(topic, data, qos=1)
        return sent.is_published if sent.rc == mqtt.MQTT_ERR_SUCCESS else None

    def _connected(self, client: mqtt.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        self._refused = bool(reason.is_failure)
        if self._refused:
            self._board.degraded(LINK, f"{self._host}:{self._port} refuses: {reason}", CONFIG)
            return
        self._connections += 1
        for topic, (qos, _taker) in self._takers.items():
            client.subscribe(topic, qos)
        self._board.ready(LINK, f"{self._host}:{self._port}")
        for call in self._called:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - paho's thread would end, and with it the bus
                sys.stderr.write(f"the bus is there, and its service stumbles: {type(error).__name__}: {error}\n")
        self._is_there = True

    def _failed(self, *_: Any) -> None:
        self._board.degraded(LINK, f"{self._host}:{self._port} does not answer", NETWORK)

    def _lost(self, *_: Any) -> None:
        self._is_there = False
        if self._refused:  # it has said why, and then hung up
            return
        self._board.degraded(LINK, f"the connection to {self._host}:{self._port} is lost", NETWORK)

    def _message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        connection = self._connections

        def taken() -> None:
            # A number of another connection names another message, or nothing: what is not acknowledged comes again.
            if connection == self._connections:
                client.ack(message.mid, message.qos)

        try:
            for topic, (_qos, taker) in self._takers.items():
                if mqtt.topic_matches_sub(topic, message.topic):
                    taker(message.topic, bytes(message.payload), taken)
                    return
        except Exception as error:  # noqa: BLE001 - paho's thread would end, and with it the bus
            sys.stderr.write(f"a message of the bus is passed over: {type(error).__name__}: {error}\n")
        taken()


def reachable(host: str, port: int, *, seconds: float = 2.0) -> bool:
    """Tell whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except OSError:
        return False
