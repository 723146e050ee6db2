"""Where frames come from: made-up scenes, a video file that begins again, a network camera, a device.

Owns: the promise of a source, and which one a setting names. A source waits for its next frame, never for who takes it,
and says why there is none. Must not know what becomes of frames.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

from edgectl.stack.camera.grab import Gone, Grab
from edgectl.stack.camera.settings import FILE, RTSP, SYNTHETIC, Camera, filled, kind_of, redacted
from edgectl.stack.ops.clock import Clock
from edgectl.wire.chain import CONFIG, INPUT, NETWORK

LONGEST = 320  # pixels of a picture's longer side, or what the model sees, if that is more
OPEN_SECONDS = 5.0


class Source(Protocol):
    """What gives frames."""

    def frames(self) -> Iterator[Grab]:
        """Open it and yield what comes; raises Gone, and ends only when it is told to stop."""


def source_of(camera: Camera, *, side: int, clock: Clock, stop: threading.Event, env: Mapping[str, str]) -> Source:
    """Return the source that a camera's setting names; Gone when its variables are not there."""
    from edgectl.stack.camera.synthetic import Synthetic  # here, both: a service imports what its cameras need
    from edgectl.stack.camera.video import Video

    kind, (_, _, rest) = kind_of(camera.source), camera.source.partition(":")
    longest = max(LONGEST, side)
    if kind == SYNTHETIC:
        return Synthetic(int(rest), fps=camera.fps, clock=clock, stop=stop)
    if kind == FILE:
        return Video(
            rest, rest, longest=longest, kind=INPUT, seconds=(OPEN_SECONDS, camera.silent_seconds), loop=(clock, stop)
        )
    try:
        address = filled(camera.source, env)
    except ValueError as error:
        raise Gone(f"{redacted(camera.source)}: {error}", CONFIG) from None
    if kind == RTSP:
        return Video(
            address,
            redacted(camera.source),
            longest=longest,
            kind=NETWORK,
            seconds=(OPEN_SECONDS, camera.silent_seconds),
            options={"rtsp_transport": "tcp"},
        )
    return Video(
        rest, rest, longest=longest, kind=INPUT, seconds=(OPEN_SECONDS, camera.silent_seconds), form="video4linux2"
    )
