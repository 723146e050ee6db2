"""Take blobs from another node of the store, before the rest is asked for over the line.

Owns when a neighbour is given up: refused, silent, slower than the line, or with more than was asked for. Whatever
goes wrong with it, what lacks afterwards comes over the line. How a blob becomes whole is the receiver's (receive.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from edgectl.node.io.places import Places
from edgectl.node.receive import receive, want
from edgectl.wire.errors import Refused
from edgectl.wire.frame import FrameError, Frames

_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 10.0
_WINDOW_SECONDS = 10.0
_BEAT_SECONDS = 10.0
_WORDS_BYTES = 64 * 1024  # of frames around the blobs, and 1 KiB more for each blob


def near_first(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Where the operator knows neighbours, say what lacks and take what it is sent to, until it says `line`.

    Raises NotReady when the disk cannot hold it, FrameError when the operator is gone.
    """
    if not frame.get("neighbours"):
        return
    blobs = {str(digest): int(size) for digest, size in frame["blobs"].items()}
    wanted = want(places, blobs)
    if not wanted:
        return
    frames.send("lacks", blobs=wanted, why="")
    while (said := frames.receive())["op"] == "neighbour":
        with _beating(frames):
            why = _take(places, said, wanted)
        wanted = want(places, blobs)
        frames.send("lacks", blobs=wanted, why=why)
    if said["op"] != "line":
        raise FrameError(f"unexpected frame {said['op']!r} where a neighbour was expected")


def _take(places: Places, near: dict[str, Any], wanted: list[dict[str, Any]]) -> str:
    """Take from one neighbour what it has; returns why not all came, "" when it did."""
    has = set(near["blobs"])
    mine = [item for item in wanted if item["digest"] in has]
    most = sum(int(item["size"]) - int(item["have_bytes"]) for item in mine) + _WORDS_BYTES + 1024 * len(mine)
    try:
        from edgectl.node.share.pinned import dialled  # here: most deploys need no TLS

        where = str(near["address"]), int(near["port"])
        with dialled(*where, str(near["certificate"]), seconds=_CONNECT_SECONDS) as tls:
            tls.settimeout(_SILENCE_SECONDS)
            frames = Frames(Enough(tls.recv, most, float(near["least"])), tls.sendall)
            asked = [{"digest": item["digest"], "have_bytes": item["have_bytes"]} for item in mine]
            frames.send("take", token=near["token"], blobs=asked)
            again = receive(places, frames, mine, strict=False)
    except (OSError, FrameError, Refused, ValueError, TypeError, KeyError, OverflowError) as error:
        return _words(error)
    return f"{len(again)} blobs came damaged" if again else ""


class Enough:
    """Read from a neighbour as long as it brings no less than the line would, and no more than was asked for.

    Only the time that is spent waiting for it counts: a slow disk here is not its fault.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        most: int,
        least: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._left = most
        self._least = least  # bytes a second
        self._clock = clock
        self._waited = 0.0
        self._came = 0

    def __call__(self, count: int) -> bytes:
        """Read some bytes; FrameError when it is to be given up."""
        began = self._clock()
        try:
            data = self._read(count)
        except OSError as error:
            raise FrameError(_words(error)) from error
        self._waited += self._clock() - began
        self._came += len(data)
        self._left -= len(data)
        if self._left < 0:
            raise FrameError("it sends more than it was asked for")
        if self._waited >= _WINDOW_SECONDS:
            rate = self._came / self._waited
            if rate < self._least:
                raise FrameError(f"it is slower than the line ({rate / 1000:.0f} KB/s)")
            self._waited, self._came = 0.0, 0
        return data


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, OSError):
        return str(getattr(error, "verify_message", "") or error.strerror or error)
    return str(error)


@contextmanager
def _beating(frames: Frames) -> Iterator[None]:
    """Tell the operator that this is alive while nothing else is said."""
    over = Event()

    def beat() -> None:
        with suppress(FrameError):
            while not over.wait(_BEAT_SECONDS):
                frames.send("beat")

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
