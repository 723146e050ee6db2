"""The line in front of the workers: of each camera the newest frame, and canaries ahead of all.

Owns: back-pressure. Who puts something in never waits: a frame that nobody has taken gives way to the next one of its
camera and is counted. Must not know what a worker does.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from edgectl.stack.camera.motion import UNKNOWN, Motion
from edgectl.stack.camera.picture import Picture

CANARIES = 16  # that wait at the same time


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture to be judged. `at`: seconds since 1970 by the store's clock; `canary`: its id, "" for a camera's."""

    camera: str
    picture: Picture = field(repr=False)
    at: float
    motion: Motion = UNKNOWN
    canary: str = ""


class Line:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: dict[str, Frame] = {}  # by camera; in the order in which they will be taken
        self._canaries: deque[Frame] = deque()

    def __len__(self) -> int:
        """Return how many wait."""
        with self._changed:
            return len(self._frames) + len(self._canaries)

    def offer(self, frame: Frame) -> bool:
        """Put a camera's frame in; False when an older one of the camera's had to go for it."""
        with self._changed:
            free = frame.camera not in self._frames
            self._frames[frame.camera] = frame  # keeps the camera's turn
            self._changed.notify()
        return free

    def ahead(self, canary: Frame) -> bool:
        """Put a canary in; False when too many wait."""
        with self._changed:
            if len(self._canaries) >= CANARIES:
                return False
            self._canaries.append(canary)
            self._changed.notify()
        return True

    def take(self, seconds: float) -> Frame | None:
        """Take the next one, canaries first, then the camera that has waited longest; None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._canaries or self._frames, timeout=seconds)
            if self._canaries:
                return self._canaries.popleft()
            if self._frames:
                return self._frames.pop(next(iter(self._frames)))
        return None
