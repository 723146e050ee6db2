"""The camera service, put together: a thread a camera, workers, the poster, and one that looks after all of them.

Owns: what runs, and the service's own state. Must not know how any part does its work.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from edgectl.stack.camera import metrics
from edgectl.stack.camera.canary import Canaries
from edgectl.stack.camera.judge import Judge
from edgectl.stack.camera.line import Line
from edgectl.stack.camera.outbox import Outbox, Outlook
from edgectl.stack.camera.picture import Picture
from edgectl.stack.camera.post import Poster, receipts
from edgectl.stack.camera.reader import Reader, link
from edgectl.stack.camera.settings import Settings
from edgectl.stack.camera.source import LONGEST, OPEN_SECONDS, source_of
from edgectl.stack.camera.worker import Workers
from edgectl.stack.detector import scenes
from edgectl.stack.inference.client import Client
from edgectl.stack.ops.board import OWN, Board
from edgectl.stack.ops.bus import LINK as BUS
from edgectl.stack.ops.bus import Bus
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.door import Route
from edgectl.stack.ops.event import ARRIVED, RECEIPTS
from edgectl.wire.chain import CONFIG, INPUT, NETWORK, READY, RESOURCE

UPLINK, OUTBOX = "uplink", "outbox"
ROUND_SECONDS = 1.0  # real ones
END_SECONDS = 2.0  # that threads have to end; none of them holds anything that would be lost

_CANARY_SCENE = 3  # a person and a cart


class Service:
    """`start` it, answer `routes` at the door, `end` it."""

    def __init__(self, settings: Settings, board: Board, clock: Clock, *, env: Mapping[str, str] = os.environ) -> None:
        self._settings, self._board = settings, board
        self._stop = threading.Event()
        self._line = Line()
        # A name of its own, so that two pods of an update do not throw each other off the bus.
        self._bus = Bus(
            f"{settings.name}-{uuid.uuid4().hex[:8]}", board, host=settings.bus.host, port=settings.bus.port
        )
        self._outbox = Outbox(settings.outbox.events, resend_seconds=settings.outbox.resend_seconds, clock=clock)
        self._poster = Poster(self._outbox, self._bus, self._stop)
        picture = reference(settings)
        self._canaries = Canaries(picture, self._line, self._bus, board, clock=clock)
        self._workers = Workers(
            settings,
            self._line,
            Judge(settings.inference, board),
            self._canaries,
            put=self._poster.put,
            seen=partial(self._bus.publish, qos=0),
        )
        self._readers = [
            Reader(
                name,
                camera,
                partial(source_of, camera, side=settings.inference.side, clock=clock, stop=self._stop, env=env),
                line=self._line,
                board=board,
                clock=clock,
                stop=self._stop,
            )
            for name, camera in settings.cameras.items()
        ]
        self._bus.subscribe(f"{RECEIPTS}/{settings.name}", receipts(self._outbox.receipt, self._canaries.receipt))
        self._bus.subscribe(ARRIVED, self._canaries.arrived)
        self._bus.on_connected(self._poster.again)
        self.routes: dict[str, Route] = {"POST /canary": self._canaries.ask}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin everything."""
        self._bus.start()
        self.look()
        self._begin("poster", self._poster.run)
        for number in range(self._settings.inference.workers):
            self._begin(f"worker-{number}", self._work)
        for reader in self._readers:
            self._begin(f"reader-{reader.name}", reader.run)
        self._begin("look", self._look)

    def end(self) -> None:
        """End everything, in seconds."""
        self._stop.set()
        deadline = time.monotonic() + END_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        self._bus.stop()

    def look(self) -> None:
        """Look at all of it once, and say how it is."""
        for reader in self._readers:
            reader.look()
        self._say_own()
        self._say_outbox(self._outbox.outlook())
        self._board.fact("cameras", {one.name: {"frames": one.read, "dropped": one.dropped} for one in self._readers})

    def _say_own(self) -> None:
        if not self._readers:
            self._board.degraded(OWN, "no camera is declared", CONFIG)
        elif all(reader.gone for reader in self._readers):
            name, count = link(self._readers[0].name), len(self._readers)
            first = self._board.state(name)
            said = f"none of {count} cameras gives frames; {name}: " if count > 1 else f"{name}: "
            self._board.not_ready(OWN, said + first.reason, first.kind or INPUT)
        else:
            self._board.ready()

    def _say_outbox(self, outlook: Outlook) -> None:
        board = self._board
        metrics.WAITING.set(outlook.waiting)
        board.fact(OUTBOX, {"waiting": outlook.waiting, "received": outlook.received, "lost": outlook.lost})
        if outlook.full:
            sentence = (
                f"bus full: {outlook.waiting:,} events wait for their receipt, {outlook.lost:,} older ones are lost"
            )
            board.degraded(OUTBOX, sentence, RESOURCE)
        else:
            board.ready(OUTBOX, f"{outlook.waiting:,} of {outlook.room:,} events wait")
        if board.state(BUS).word != READY:
            board.drop(UPLINK)  # nothing is known of it
        elif outlook.unanswered_seconds > self._settings.outbox.resend_seconds:
            sentence = f"no receipt for {outlook.unanswered_seconds:.0f} s, {outlook.waiting:,} events wait"
            board.degraded(UPLINK, sentence, NETWORK)
        else:
            board.ready(UPLINK, f"{outlook.received:,} events receipted" if outlook.received else "nothing sent yet")

    def _work(self) -> None:
        client = Client(self._settings.inference.url)
        try:
            self._workers.run(client, self._stop)
        finally:
            client.close()

    def _look(self) -> None:
        while not self._stop.wait(ROUND_SECONDS):
            self.look()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True, name=name)
        thread.start()
        self._threads.append(thread)


def reference(settings: Settings) -> Picture:
    """Return the canary's picture; ValueError when its file holds none."""
    if not settings.canary.file:
        return scenes.frame(_CANARY_SCENE)[0]
    from edgectl.stack.camera.grab import Gone
    from edgectl.stack.camera.video import Video

    longest, file = max(LONGEST, settings.inference.side), settings.canary.file
    if not Path(file).is_file():
        raise ValueError(f"canary.file: {file} is not there")
    try:
        grab = next(Video(file, file, longest=longest, kind=CONFIG, seconds=(OPEN_SECONDS, OPEN_SECONDS)).frames())
    except Gone as error:
        raise ValueError(f"canary.file: {error}") from error
    return grab.picture()
