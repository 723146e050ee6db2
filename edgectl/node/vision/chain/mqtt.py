"""The least of MQTT 3.1.1: connect, subscribe, publish one message, and see it come back.

Owns: packets, and that nothing that a broker sends can hold this up or fill memory. Must not know who asks.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field

from edgectl.node.vision.chain.fetched import Unheard, unheard
from edgectl.node.vision.chain.line import Line
from edgectl.wire.chain import CONFIG

PORT = 1883
MOST_PACKET, MOST_PACKETS = 64 * 1024, 200
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _DISCONNECT = 1, 2, 3, 4, 8, 9, 14
_SUBACK_FAILED = 0x80
_REFUSED = {
    1: "its MQTT is another version",
    2: "the client's name is refused",
    3: "it is not available",
    4: "user or password is wrong",
    5: "the node is not authorized",
}
_UNKNOWN = frozenset({4, 5})  # of _REFUSED: it serves, and not whom it does not know
_KEEPALIVE = 10


class Unknown(Unheard):
    """A broker that is there and wants a user whom the node is not."""


def returned(line: Line, host: str, port: int, topic: str) -> None:
    """Put a message into a topic and take it out again; Unheard says where that has ended."""
    try:
        sock = line.connect(host, port)
    except OSError as error:
        raise unheard(error) from error
    client = _Client(line, sock)
    try:
        client.connect()
        client.subscribe(topic)
        client.loop(topic, secrets.token_bytes(16))
        sock.sendall(packet(_DISCONNECT, 0, b""))
    except TimeoutError as error:
        raise Unheard(client.waits, silent=not client.heard) from error
    except OSError as error:
        raise unheard(error) from error


@dataclass
class _Client:
    line: Line
    sock: socket.socket
    waits: str = "no answer to CONNECT in time"
    heard: bool = False
    packets: int = 0
    buffer: bytearray = field(default_factory=bytearray)

    def connect(self) -> None:
        variable = text("MQTT") + bytes((4, 2)) + _KEEPALIVE.to_bytes(2, "big")  # level 3.1.1, a clean session
        self._send(packet(_CONNECT, 0, variable + text(f"edgectl-{secrets.token_hex(6)}")))
        kind, _, body = self._receive()
        if kind != _CONNACK or len(body) != 2:  # noqa: PLR2004 - flags and a code
            raise Unheard("it does not speak MQTT", CONFIG, silent=False)
        if body[1]:
            refused = Unknown if body[1] in _UNKNOWN else Unheard
            raise refused(f"refuses: {_REFUSED.get(body[1], f'code {body[1]}')}", CONFIG, silent=False)

    def subscribe(self, topic: str) -> None:
        self.waits = "no answer to SUBSCRIBE in time"
        self._send(packet(_SUBSCRIBE, 2, b"\0\1" + text(topic) + b"\0"))
        while True:
            kind, _, body = self._receive()
            if kind == _SUBACK and body[:2] == b"\0\1":
                if body[2:3] >= bytes((_SUBACK_FAILED,)) or len(body) < 3:  # noqa: PLR2004 - an id and a code
                    raise Unheard(f"does not let the node read {topic}", CONFIG, silent=False)
                return

    def loop(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1; wait for both the broker's word and the message itself."""
        self.waits = "a message that was put in does not come back"
        self._send(packet(_PUBLISH, 2, text(topic) + b"\0\2" + payload))
        wanted = {"acknowledged", "returned"}
        while wanted:
            kind, flags, body = self._receive()
            if kind == _PUBACK and body[:2] == b"\0\2":
                wanted.discard("acknowledged")
                self.waits = "it takes messages and gives none back" if wanted else self.waits
            elif kind == _PUBLISH:
                start = len(text(topic)) + (2 if flags & 6 else 0)
                if body.startswith(text(topic)) and body[start:] == payload:
                    wanted.discard("returned")

    def _send(self, data: bytes) -> None:
        self.sock.settimeout(self.line.left())
        self.sock.sendall(data)

    def _receive(self) -> tuple[int, int, bytes]:
        self.packets += 1
        if self.packets > MOST_PACKETS:
            raise Unheard("it sends what nobody asked for", CONFIG, silent=False)
        first, size, shift = self._take(1)[0], 0, 0
        while True:
            byte = self._take(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift > 21:  # noqa: PLR2004 - four bytes at most
                raise Unheard("it does not speak MQTT", CONFIG, silent=False)
        if size > MOST_PACKET:
            raise Unheard(f"it sends a packet of {size} bytes", CONFIG, silent=False)
        return first >> 4, first & 15, self._take(size)

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.sock.settimeout(self.line.left())
            data = self.sock.recv(4096)
            if not data:
                raise ConnectionResetError
            self.heard = True
            self.buffer += data
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken


def packet(kind: int, flags: int, body: bytes) -> bytes:
    """Return a packet with its fixed header."""
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes((digit | (128 if size else 0),))
        if not size:
            return bytes((kind << 4 | flags,)) + length + body


def text(value: str) -> bytes:
    """Return a text as MQTT has it."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data
