"""What a session costs on a long line: counted in round trips, not in seconds."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from edgectl.control.link.bootstrap import open_session

if TYPE_CHECKING:
    from edgectl.control.link.runtime import RuntimeArchive
    from edgectl.control.link.target import Target
    from tests.link.conftest import Sshd

_DELAY_SECONDS = 0.15


class Line:
    """A long line: what goes in comes out later. `turns` counts how often the talk went back to the operator's side."""

    def __init__(self, port: int) -> None:
        self.turns = 0
        self._upward = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._far = port
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        near, _ = self._server.accept()
        near.recv(1, socket.MSG_PEEK)
        time.sleep(_DELAY_SECONDS)  # the server's greeting does not set out before the operator's has arrived
        far = socket.create_connection(("127.0.0.1", self._far), 5)
        queue: deque[tuple[float, socket.socket, bytes]] = deque()
        with selectors.DefaultSelector() as ready, near, far:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select(0.005):
                    source = near if key.data is far else far
                    try:
                        data = source.recv(1 << 16)
                    except OSError:
                        return
                    if not data:
                        return
                    if source is near and not self._upward:
                        self.turns += 1
                    self._upward = source is near
                    queue.append((time.monotonic() + _DELAY_SECONDS, key.data, data))
                while queue and queue[0][0] <= time.monotonic():
                    _, sink, data = queue.popleft()
                    sink.sendall(data)

    def close(self) -> None:
        """End the line."""
        self._server.close()
        self._thread.join(5)


@contextmanager
def long_line(sshd: Sshd) -> Iterator[tuple[Line, Target]]:
    """Lay a line to a server; gives it and the target at its near end."""
    line = Line(sshd.port)
    try:
        yield line, replace(sshd.target, port=line.port)
    finally:
        line.close()


def test_a_session_costs_five_round_trips(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """Greeting, key exchange, log-in, channel, command: the engine's first word comes with the fifth round trip.

    (TCP's own comes before them.) A plain client needs two more: one for the log-in service, one for the command.
    """
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
    counted = []  # a machine that stalls splits a burst in two: the least of three is what it costs
    for _ in range(3):
        with long_line(sshd) as (line, target), open_session(target, engine, state=state) as session:
            session.frames.receive()
            counted.append(line.turns)
    assert min(counted) == 5


def test_sending_the_engine_costs_one_round_trip_more(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """The bootstrap and the engine go out together."""
    counted = []
    for number in range(3):
        fresh = f"{state}-{number}"  # a node that does not have the engine yet
        with long_line(sshd) as (line, target), open_session(target, engine, state=fresh) as session:
            assert session.engine_sent
            session.frames.receive()
            counted.append(line.turns)
    assert min(counted) == 6
