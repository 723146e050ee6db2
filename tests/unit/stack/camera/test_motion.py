"""Laws of the gate: who moves is let through, an empty aisle is not, and none waits for ever."""

from __future__ import annotations

import numpy as np
import pytest

from edgectl.stack.camera.motion import SIDE, UNKNOWN, Gate
from edgectl.stack.camera.picture import grey
from edgectl.stack.camera.settings import Camera
from edgectl.stack.camera.synthetic import PIXELS
from edgectl.stack.detector import scenes

BLACK = np.zeros((SIDE, SIDE), dtype=np.float32)


def test_the_default_tells_people_from_noise() -> None:
    """Films of the store: what walks passes, noise and slow light do not. Both kinds are there."""
    default, counts = Camera("synthetic:7").motion, {True: 0, False: 0}
    for seed in (7, 8, 9):
        gate, before = Gate(threshold=default, idle_seconds=1e9), -1
        for step in range(0, 300, 2):
            picture, found = scenes.motion(seed, step, PIXELS)
            motion = gate.judge(grey(picture, SIDE), step)
            if before == 0 and not found:
                assert not motion.passes, (seed, step)
                counts[False] += 1
            elif before > 0 and found and motion.level > 0.005:
                assert motion.passes
                counts[True] += 1
            before = len(found)
    assert min(counts.values()) > 20


def test_the_box_is_where_something_moved() -> None:
    gate, moved = Gate(threshold=0.001, idle_seconds=1e9), BLACK.copy()
    moved[4:8, 8:12] = 1
    gate.judge(BLACK, 0)
    motion = gate.judge(moved, 1)
    assert motion.passes
    assert motion.box == (10 / 16, 6 / 16, 4 / 16, 4 / 16)
    assert motion.level == pytest.approx(16 / 256)


def test_the_first_frame_passes_and_one_now_and_then() -> None:
    """A still aisle is looked at, too: every ten seconds."""
    gate = Gate(threshold=0.1, idle_seconds=10)
    assert gate.judge(BLACK, 0.0) is UNKNOWN
    passed = [second for second in range(1, 35) if gate.judge(BLACK, float(second)).passes]
    assert passed == [10, 20, 30]


def test_no_threshold_is_no_gate() -> None:
    gate = Gate(threshold=0, idle_seconds=1e9)
    assert all(gate.judge(BLACK, float(at)).passes for at in range(5))


def test_the_same_picture_again_is_known() -> None:
    """Not one bit is different: a stuck camera, since no sensor is that quiet."""
    gate, other = Gate(threshold=0.1, idle_seconds=1), BLACK + np.float32(1e-4)
    assert [gate.judge(one, 0).same for one in (BLACK, BLACK, other, other, BLACK)] == [False, True, False, True, False]
