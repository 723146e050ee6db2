"""A camera that is made up: the film of one seed, as fast as the store's clock runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

from edgectl.stack.camera.grab import Grab
from edgectl.stack.camera.picture import Picture
from edgectl.stack.detector import scenes
from edgectl.stack.detector.shape import SIDE
from edgectl.stack.ops.clock import Clock

PIXELS = 2 * SIDE  # each way: so that the model sees means of four, as of a real camera
STEPS = 10  # of the film, in a second


class Synthetic:
    """Where the film stands follows from the clock: what nobody takes is passed over, as a real camera does it."""

    def __init__(self, seed: int, *, fps: float, clock: Clock, stop: threading.Event) -> None:
        self._seed, self._fps, self._clock, self._stop = seed, fps, clock, stop

    def frames(self) -> Iterator[Grab]:
        """Yield pictures, `fps` a second."""
        while not self._clock.wait(1 / self._fps, self._stop):
            step = int(self._clock.now() * STEPS)
            yield Grab((PIXELS, PIXELS), partial(_drawn, self._seed, step))


def _drawn(seed: int, step: int) -> Picture:
    return scenes.motion(seed, step, PIXELS)[0]
