"""A long deed in a session: whoever waits hears a beat meanwhile. Must not know what the deed is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from edgectl.wire.frame import Frames

EVERY_SECONDS = 3.0
T = TypeVar("T")


def working(frames: Frames, deed: Callable[[], T]) -> T:
    """Do it beside, and say every few seconds that this goes on. It is done also when the operator has gone."""
    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(deed)
        while not wait([found], EVERY_SECONDS).done:
            frames.send("beat")
        return found.result()
