"""Laws of reading: it never waits for who takes, a camera's state is its own, and it is opened again for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from edgectl.stack.camera.grab import Gone, Grab
from edgectl.stack.camera.line import Line
from edgectl.stack.camera.picture import Picture
from edgectl.stack.camera.reader import FIRST_WAIT, LONGEST_WAIT, Reader, link
from edgectl.stack.camera.settings import Camera
from edgectl.stack.camera.source import source_of
from edgectl.stack.ops.board import Board
from edgectl.wire.chain import CONFIG, DEGRADED, INPUT, NETWORK, NOT_READY, READY
from tests.stack.clocks import HandClock


def picture(value: int = 0) -> Picture:
    return np.full((48, 64, 3), value, dtype=np.uint8)


class Stop(threading.Event):
    """Keeps how long was waited, and ends after so many waits."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.waits, self.waited = waits, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        """Note it, and be through at once."""
        self.waited.append(timeout or 0.0)
        if len(self.waited) >= self.waits:
            self.set()
        return self.is_set()


class Scripted:
    """A source that gives some frames and then is gone."""

    def __init__(self, frames: int, error: Exception) -> None:
        self.left, self.error = frames, error

    def frames(self) -> Iterator[Grab]:
        """Give them."""
        for at in range(self.left):
            yield Grab((64, 48), partial(picture, at % 200))
        raise self.error


class Bench:
    """A reader whose frames come by hand."""

    def __init__(self, camera: Camera, source: Any = None, waits: int = 1) -> None:
        self.clock, self.line, self.stop = HandClock(), Line(), Stop(waits)
        self.board = Board("camera", "1", self.clock)
        self.reader = Reader(
            "door",
            camera,
            lambda: source,
            line=self.line,
            board=self.board,
            clock=self.clock,
            stop=self.stop,
            monotonic=self.clock.monotonic,
        )

    def frame(self, value: int = 0, *, seconds: float = 0.2, size: tuple[int, int] = (64, 48)) -> bool:
        """Let a frame come; tells whether it waits now for a worker."""
        self.clock.time += seconds
        self.reader.take(Grab(size, partial(picture, value)))
        return self.line.take(0) is not None

    @property
    def state(self) -> tuple[str, str]:
        """Return the camera's word and kind."""
        found = self.board.state(link("door"))
        return found.word, found.kind


def test_a_camera_that_nobody_has_seen_is_not_ready() -> None:
    assert Bench(Camera("synthetic:1")).state == (NOT_READY, INPUT)


@pytest.mark.parametrize(("comes", "looked_at"), [(25.0, 50), (5.0, 50), (30.0, 50), (2.0, 20)])
def test_five_frames_a_second_are_looked_at_whatever_comes(comes: float, looked_at: int) -> None:
    """In ten seconds; what comes slower is looked at whole."""
    bench = Bench(Camera("synthetic:1", fps=5, motion=0))
    taken = sum(bench.frame(at % 200, seconds=1 / comes) for at in range(int(comes * 10)))
    assert abs(taken - looked_at) <= 2


def test_a_camera_that_is_not_on_the_dot_loses_no_frame() -> None:
    """It gives five a second, each some hundredths early or late: all of them are looked at."""
    bench = Bench(Camera("synthetic:1", fps=5, motion=0))
    late = [0.0, 0.03, -0.03, 0.01, -0.04, 0.04, 0.0, -0.02]
    steps = [0.2 + late[at % 8] - late[(at - 1) % 8] for at in range(100)]
    assert sum(bench.frame(at, seconds=step) for at, step in enumerate(steps)) >= 98


def test_after_a_pause_there_is_no_burst() -> None:
    bench = Bench(Camera("synthetic:1", fps=5, motion=0))
    bench.frame(1)
    bench.frame(2, seconds=60)
    assert sum(bench.frame(at, seconds=0.04) for at in range(25)) <= 6


def test_what_is_not_looked_at_is_not_unpacked() -> None:
    """Decoding costs enough."""
    bench = Bench(Camera("synthetic:1", fps=1, motion=0))
    bench.frame()
    bench.clock.time += 0.1
    bench.reader.take(Grab((64, 48), partial(pytest.fail, "unpacked")))


def test_frames_that_nobody_takes_are_dropped_and_counted() -> None:
    """The newest waits."""
    bench = Bench(Camera("synthetic:1", motion=0))
    for at in range(10):
        bench.clock.time += 1
        bench.reader.take(Grab((64, 48), partial(picture, at)))
    assert (bench.reader.read, bench.reader.dropped, len(bench.line)) == (10, 9, 1)


def test_a_still_aisle_is_not_judged_but_now_and_then() -> None:
    bench = Bench(Camera("synthetic:1", motion=0.01, idle_seconds=10))
    assert bench.frame(100)
    assert not bench.frame(101)
    assert bench.frame(200)
    assert not any(bench.frame(200) for _ in range(45))
    assert any(bench.frame(200) for _ in range(10))


def test_a_stuck_camera_is_frozen_until_it_moves() -> None:
    bench = Bench(Camera("synthetic:1", frozen_seconds=20))
    bench.frame(7)
    bench.frame(7, seconds=19)
    assert bench.state == (READY, "")
    bench.frame(7, seconds=1)
    assert bench.state == (DEGRADED, INPUT)
    assert bench.board.state(link("door")).reason == "frozen: the same picture for 20 s"
    bench.frame(8)
    assert bench.state == (READY, "")


def test_another_size_than_declared_is_said() -> None:
    bench = Bench(Camera("synthetic:1", width=1920, height=1080))
    bench.frame()
    assert bench.state == (DEGRADED, CONFIG)
    assert bench.board.state(link("door")).reason == "its picture is 64x48, declared is 1920x1080"
    bench.frame(size=(1920, 1080))
    assert bench.state == (READY, "")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [(Gone("rtsp://h: no", NETWORK), NETWORK, "rtsp://h: no"), (ZeroDivisionError("x"), INPUT, "ZeroDivisionError: x")],
)
def test_a_camera_that_goes_is_opened_again_for_ever(error: Exception, kind: str, said: str) -> None:
    """Slower and slower, up to half a minute; whatever its driver does, the thread lives."""
    bench = Bench(Camera("synthetic:1"), Scripted(0, error), waits=8)
    bench.reader.run()
    assert bench.stop.waited == [1, 2, 4, 8, 16, 30, 30, 30]
    assert bench.state == (NOT_READY, kind)
    assert bench.board.state(link("door")).reason == said
    assert bench.reader.gone


def test_a_frame_makes_the_next_wait_short_again() -> None:
    bench = Bench(Camera("synthetic:1"), Scripted(1, Gone("gone", NETWORK)), waits=4)
    bench.reader.run()
    assert bench.stop.waited == [FIRST_WAIT] * 4
    assert LONGEST_WAIT > FIRST_WAIT


def test_reading_that_hangs_is_seen_from_outside() -> None:
    """Some drivers keep no deadline."""
    bench = Bench(Camera("rtsp://h/x", silent_seconds=5))
    bench.frame()
    bench.clock.time += 12
    bench.reader.look()
    assert bench.state[0] == READY
    bench.clock.time += 2
    bench.reader.look()
    assert bench.state == (NOT_READY, NETWORK)


def test_a_password_that_is_not_there_is_said_without_it() -> None:
    with pytest.raises(Gone, match=r"rtsp://h/x: \$SECRET is not in the environment") as caught:
        source_of(Camera("rtsp://me:$SECRET@h/x"), side=64, clock=HandClock(), stop=threading.Event(), env={})
    assert caught.value.kind == CONFIG


def test_the_made_up_camera_moves_with_the_clock() -> None:
    """As many frames as the settings say, each another one, 60 times as many on a clock that is 60 times as fast."""
    clock, stop = HandClock(), threading.Event()
    frames = source_of(Camera("synthetic:7", fps=5), side=64, clock=clock, stop=stop, env={}).frames()
    began = clock.time
    pictures = [next(frames).picture() for _ in range(5)]
    assert clock.time - began == pytest.approx(1)
    assert len({one.tobytes() for one in pictures}) == 5
    stop.set()
    assert next(frames, None) is None
