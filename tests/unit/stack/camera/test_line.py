"""Laws of the line: the newest frame of each camera, nobody waits to put one in, canaries first, each its turn."""

from __future__ import annotations

import numpy as np

from edgectl.stack.camera.line import CANARIES, Frame, Line

PICTURE = np.zeros((2, 2, 3), dtype=np.uint8)


def frame(camera: str, at: float = 0.0, canary: str = "") -> Frame:
    return Frame(camera, PICTURE, at, canary=canary)


def test_only_the_newest_frame_of_a_camera_waits() -> None:
    """What nobody could take has gone, and who put it in is told."""
    line = Line()
    assert [line.offer(frame("door", at)) for at in (1, 2, 3)] == [True, False, False]
    assert len(line) == 1
    taken = line.take(0)
    assert taken is not None
    assert taken.at == 3
    assert line.take(0) is None


def test_a_fast_camera_keeps_none_waiting() -> None:
    """A newer frame takes the place of the older one of its camera, not the end of the line."""
    line, taken = Line(), []
    for camera in ("fast", "slow", "fast", "fast"):
        line.offer(frame(camera))
    for _ in range(4):
        one = line.take(0)
        assert one is not None
        taken.append(one.camera)
        line.offer(frame("fast"))
        line.offer(frame("slow"))
    assert taken == ["fast", "slow", "fast", "slow"]


def test_a_canary_goes_ahead_and_pushes_nobody_out() -> None:
    line = Line()
    line.offer(frame("door"))
    line.ahead(frame("canary", canary="a"))
    line.ahead(frame("canary", canary="b"))
    order = [one.canary or one.camera for one in (line.take(0), line.take(0), line.take(0)) if one]
    assert order == ["a", "b", "door"]


def test_not_more_canaries_than_can_be_judged_in_time() -> None:
    line = Line()
    assert [line.ahead(frame("canary", canary=str(at))) for at in range(CANARIES + 1)] == [True] * CANARIES + [False]
