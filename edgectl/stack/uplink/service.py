"""The uplink, put together: bus, keeper, disk, drain, canaries; and what the board says of its queue."""

from __future__ import annotations

import sys
import threading

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.bus import Bus
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.door import Route
from edgectl.stack.ops.event import EVENTS
from edgectl.stack.uplink.canary import Canaries
from edgectl.stack.uplink.config import Config
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.disk import Disk
from edgectl.stack.uplink.drain import Drain
from edgectl.stack.uplink.figures import Figures
from edgectl.stack.uplink.hours import Hours
from edgectl.stack.uplink.keeper import Keeper
from edgectl.stack.uplink.line import Line
from edgectl.stack.uplink.outlook import Intake, room_seconds, sentence
from edgectl.stack.uplink.sender import Sender
from edgectl.stack.uplink.span import HOUR
from edgectl.stack.uplink.store import Depth, Store
from edgectl.stack.uplink.target import Target
from edgectl.wire.chain import RESOURCE

NAME = "uplink"
LINK = "queue"
TELL_SECONDS = 1.0


class Uplink:
    """Call `start`, and `end`."""

    def __init__(self, config: Config, board: Board, clock: Clock) -> None:
        self._config, self._board, self._clock = config, board, clock
        self._ended = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True, name="tell")
        self._figures, self._intake = Figures(), Intake(clock)
        self._hours = Hours(config.sink.windows, config.sink.timezone)
        self._store = Store(config.store, clock)
        self._disk = Disk(board, self._store, clock, config.store.path)
        self._line = Line(board, clock, Target.of(config.sink.url).host)
        # The session lasts over restarts: what comes meanwhile waits on the bus, and with its camera.
        self._bus = Bus(NAME, board, host=config.bus.host, port=config.bus.port, clean=False)
        self._canaries = Canaries(
            Sender(config.sink, self._line, clock, small=True),
            self._figures,
            publish=self._bus.publish,
            receipt=lambda parcel: self._keeper.receipt([parcel]),
        )
        self._drain = Drain(
            config.sink,
            self._store,
            Sender(config.sink, self._line, clock),
            self._line,
            self._disk,
            self._figures,
            clock,
        )
        self._keeper = Keeper(
            self._store,
            self._disk,
            self._figures,
            self._intake,
            publish=self._bus.publish,
            canary=self._canaries.put,
            kept=lambda: self._drain.nudge(self._store.waiting),
        )
        self._bus.subscribe(f"{EVENTS}/+", self._keeper.take)

    def start(self) -> None:
        """Begin. A disk that is not there is no reason to end: it may come back."""
        try:
            self._store.open()
            self._disk.well()
        except StoreFailed as error:
            self._disk.failed(error)
        for part in (self._keeper, self._canaries, self._drain, self._bus):
            part.start()
        self._teller.start()
        self._board.ready()

    @property
    def routes(self) -> dict[str, Route]:
        """Return what it answers beside what each service does: nothing."""
        return {}

    def end(self) -> None:
        """End within 5 seconds: what has come is on the disk, what was being sent is sent again."""
        self._ended.set()
        self._teller.join(TELL_SECONDS)
        self._keeper.stop()
        self._bus.stop()
        self._canaries.stop()
        self._drain.stop()
        self._store.close()

    def _tell(self) -> None:
        """Say how all of it stands, each second of the machine."""
        while not self._ended.wait(TELL_SECONDS):
            try:
                self._say()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next second tells again
                sys.stderr.write(f"how the uplink stands cannot be told: {type(error).__name__}: {error}\n")

    def _say(self) -> None:
        self._line.tick()
        self._figures.up.set(0 if self._line.down else 1)
        try:
            depth = self._store.depth()
        except StoreFailed as error:
            self._disk.failed(error)
            return
        self._queue(depth)

    def _queue(self, depth: Depth) -> None:
        room = room_seconds(depth, self._config.store, self._intake.rate())
        age = max(self._clock.now() - depth.oldest_at, 0.0) if depth.events else 0.0
        self._figures.waiting.set(depth.events)
        self._figures.used.set(depth.used_bytes)
        self._figures.oldest.set(age)
        self._figures.room.set(room)
        self._board.fact("queue", {"events": depth.events, "oldest_seconds": round(age, 1), "aside": depth.aside})
        said = sentence(depth, room, opens=self._hours.opens(self._clock.now()))
        lost = self._intake.lost()
        if lost:
            self._board.degraded(LINK, f"{lost:,} events had no room in the last hour; {said}", RESOURCE)
        elif room < HOUR:
            self._board.degraded(LINK, said, RESOURCE)
        else:  # events that wait for a sink which is away are what it is there for: the sink's own link tells of that
            self._board.ready(LINK, said)
