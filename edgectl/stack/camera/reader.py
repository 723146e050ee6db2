"""One camera's thread: reads for ever, keeps the newest frame, and says how the camera is.

Owns: decimation, the gate, back-off between two tries, and the state `camera:NAME`. It waits for the camera only,
never for who takes its frames.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgectl.stack.camera import metrics
from edgectl.stack.camera.grab import Gone, Grab
from edgectl.stack.camera.line import Frame, Line
from edgectl.stack.camera.motion import SIDE, Gate
from edgectl.stack.camera.picture import grey
from edgectl.stack.camera.settings import Camera
from edgectl.stack.camera.source import OPEN_SECONDS, Source
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.wire.chain import CONFIG, INPUT, NETWORK, NOT_READY

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # real seconds between two tries

_EARLY = 0.25  # of the time between two frames: cameras are not on the dot
_SLACK_SECONDS = 3.0  # that a source may take longer than its own deadlines


def link(camera: str) -> str:
    """Return what a camera is called on the board."""
    return f"camera:{camera}"


class Reader:
    """Call `run` in a thread; `look` now and then from another one, for sources that hang in spite of all."""

    def __init__(
        self,
        name: str,
        camera: Camera,
        opened: Callable[[], Source],
        *,
        line: Line,
        board: Board,
        clock: Clock,
        stop: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._camera, self._opened = name, camera, opened
        self._line, self._board, self._clock, self._stop, self._monotonic = line, board, clock, stop, monotonic
        self._gate = Gate(threshold=camera.motion, idle_seconds=camera.idle_seconds)
        self._due = float("-inf")
        self._moved_at: float | None = None  # when the picture was last another one
        self._heard = monotonic()
        self._waiting = False
        self._wait = FIRST_WAIT
        self.read = self.dropped = 0
        for figure in (metrics.READ, metrics.STILL, metrics.DROPPED):
            figure.labels(
                name
            )  # 0 from the beginning: who waits for the first frame waits in vain for a rate of nothing
        board.not_ready(link(name), "no frame yet", INPUT)

    def run(self) -> None:
        """Read until `stop`."""
        while not self._stop.is_set():
            try:
                self._begin()
                for grab in self._opened().frames():
                    if self._stop.is_set():
                        return
                    self.take(grab)
                gone = Gone("there are no more frames", INPUT)
            except Gone as error:
                gone = error
            except Exception as error:  # noqa: BLE001 - a camera that breaks its driver is a camera that is gone
                gone = Gone(f"{type(error).__name__}: {error}", INPUT)
            if self._stop.is_set():
                return
            self._board.not_ready(link(self.name), str(gone), gone.kind)
            self._waiting = True
            self._stop.wait(self._wait)
            self._wait = min(self._wait * 2, LONGEST_WAIT)

    def look(self) -> None:
        """Say that the camera is gone when its source has not come back from reading in time."""
        limit = OPEN_SECONDS + self._camera.silent_seconds + _SLACK_SECONDS
        if not self._waiting and self._monotonic() - self._heard > limit:
            kind = NETWORK if self._camera.source.startswith("rtsp:") else INPUT
            self._board.not_ready(link(self.name), f"no frame for {limit:.0f} s: reading hangs", kind)

    def take(self, grab: Grab) -> None:
        """Take one frame as it came."""
        self._heard, self._wait = self._monotonic(), FIRST_WAIT
        self.read += 1
        metrics.READ.labels(self.name).inc()
        now = self._clock.monotonic()
        period = 1 / self._camera.fps
        if now < self._due - period * _EARLY:
            return
        # In step with the camera, so that 5 of 25 a second are every fifth, but never in a burst after a pause.
        self._due = self._due + period if self._due + period > now else now + period
        picture = grab.picture()
        motion = self._gate.judge(grey(picture, SIDE), now)
        if not motion.same or self._moved_at is None:
            self._moved_at = now
        self._say(grab.size, now - self._moved_at)
        if not motion.passes:
            metrics.STILL.labels(self.name).inc()
            return
        if not self._line.offer(Frame(self.name, picture, self._clock.now(), motion)):
            self.dropped += 1
            metrics.DROPPED.labels(self.name).inc()

    @property
    def gone(self) -> bool:
        """Whether the camera gives no frames."""
        return self._board.state(link(self.name)).word == NOT_READY

    def _begin(self) -> None:
        self._waiting, self._heard, self._moved_at = False, self._monotonic(), None
        self._due = float("-inf")

    def _say(self, size: tuple[int, int], same_seconds: float) -> None:
        camera, where = self._camera, link(self.name)
        wanted = (camera.width or size[0], camera.height or size[1])
        if size != wanted:
            sentence = f"its picture is {size[0]}x{size[1]}, declared is {wanted[0]}x{wanted[1]}"
            self._board.degraded(where, sentence, CONFIG)
        elif camera.frozen_seconds and same_seconds >= camera.frozen_seconds:
            self._board.degraded(where, f"frozen: the same picture for {same_seconds:.0f} s", INPUT)
        else:
            self._board.ready(where, f"{size[0]}x{size[1]}")
