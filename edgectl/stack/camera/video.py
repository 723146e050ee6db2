"""Frames that FFmpeg decodes: network cameras, files, devices.

Owns: PyAV. Every wait for a network or a device ends by itself. Must not know settings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import av
import numpy as np

from edgectl.stack.camera.grab import Gone, Grab
from edgectl.stack.camera.picture import Picture
from edgectl.stack.ops.clock import Clock
from edgectl.wire.chain import CONFIG

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_LATE = 0.9  # of the deadline: FFmpeg calls an answer that did not come broken data, too
_BROKEN = 250  # packets in a row that cannot be decoded: this will be no picture any more


class Video:
    """`shown`: the address without secrets. `loop`: a file, played again and again at its own pace by this clock."""

    def __init__(
        self,
        address: str,
        shown: str,
        *,
        longest: int,
        kind: str,
        seconds: tuple[float, float],
        form: str | None = None,
        options: Mapping[str, str] = {},
        loop: tuple[Clock, threading.Event] | None = None,
    ) -> None:
        self._address, self._shown, self._longest, self._kind = address, shown, longest, kind
        self._seconds, self._form, self._options, self._loop = seconds, form, dict(options), loop

    def frames(self) -> Iterator[Grab]:
        """Open it, yield its frames; raises Gone."""
        while True:
            some, opened, began = False, False, time.monotonic()
            try:
                with av.open(
                    self._address, format=self._form, options=self._options, timeout=self._seconds
                ) as container:
                    opened = True
                    for frame in self._decoded(container):
                        some = True
                        yield Grab((frame.width, frame.height), partial(reduced, frame, self._longest))
            except (OSError, ValueError, av.error.FFmpegError) as error:
                late = not opened and time.monotonic() - began >= self._seconds[0] * _LATE
                said = f"no answer for {self._seconds[0]:g} s" if late else self._sentence(error)
                raise Gone(f"{self._shown}: {said}", self._kind_of(error)) from error
            if not some:
                raise Gone(f"{self._shown}: it holds no picture", self._kind)
            if self._loop is None:
                raise Gone(f"{self._shown}: the stream has ended", self._kind)
            if self._loop[1].is_set():
                return

    def _decoded(self, container: InputContainer) -> Iterator[VideoFrame]:
        if not container.streams.video:
            raise Gone(f"{self._shown}: it holds no video", self._kind)
        stream = container.streams.video[0]
        broken = 0
        for packet in container.demux(stream):
            try:
                found = packet.decode()
            except av.error.InvalidDataError:
                broken += 1  # a lost packet of a network is no end
                if broken >= _BROKEN:
                    raise
                continue
            if found:
                broken = 0
            yield from self._paced(stream, found)

    def _paced(self, stream: VideoStream, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:
            if self._loop is not None:
                clock, stop = self._loop
                # A file does not come by itself: its frames are given when their turn is.
                if clock.wait(1 / float(stream.average_rate or 10), stop):
                    return
            yield frame

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, av.error.ExitError):
            return f"no frame for {self._seconds[1]:g} s"
        if isinstance(error, av.error.InvalidDataError):
            return "what comes is no video that can be decoded"
        return getattr(error, "strerror", None) or str(error) or type(error).__name__

    def _kind_of(self, error: Exception) -> str:
        refused = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, av.error.HTTPNotFoundError)
        return CONFIG if isinstance(error, refused) else self._kind


def reduced(frame: VideoFrame, longest: int) -> Picture:
    """Return a frame as RGB, no longer than so many pixels."""
    scale = min(1.0, longest / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    return np.asarray(small.to_ndarray(), dtype=np.uint8)
