"""Video files for tests, made with the library that reads them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from edgectl.stack.detector import scenes


def film(
    file: Path, *, frames: int = 20, size: tuple[int, int] = (160, 120), codec: str = "mpeg4", still: bool = False
) -> Path:
    """Write a film of one store, ten frames a second; the form follows from the file's name. `still`: nothing moves."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(10))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for step in range(frames):
            picture = av.VideoFrame.from_ndarray(scenes.motion(7, 0 if still else step, 128)[0], format="rgb24")
            container.mux(stream.encode(picture.reformat(*size, format="yuv420p")))
        container.mux(stream.encode())
    return file
