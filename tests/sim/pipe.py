"""The link: two streams of bytes between an operator and a session, that can be reset or swallow everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgectl.control.link.lost import LinkLost
from edgectl.wire.delta import DELTA, ZLIB
from edgectl.wire.frame import FrameError, Frames
from tests.sim.processes import Processes

OPERATOR_PATIENCE_SECONDS = 20.0  # the dead-peer watchdog of the real link
NODE_PATIENCE_SECONDS = 180.0


@dataclass
class Pipe:
    """One connection. `to[0]` is what the node has yet to read, `to[1]` what the operator has."""

    processes: Processes
    event: Callable[[str], None]
    to: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    ended: list[bool] = field(default_factory=lambda: [False, False])  # as the node, as the operator knows it
    hole: bool = False
    packet_bytes: int = 0  # what travels at once; 0: whatever is written
    forms: set[str] = field(default_factory=set)  # in which blobs have travelled

    def close(self, end: int) -> None:
        """Hang up; through a black hole the other end does not hear it."""
        self.ended[end] = True
        self.ended[1 - end] |= not self.hole

    def reset(self) -> None:
        """Break it; both ends hear it."""
        self.ended[:] = [True, True]

    def write(self, end: int, data: bytes) -> None:
        """Send to the other end: 0 is the node, 1 the operator."""
        self.forms |= {form for form in (DELTA, ZLIB) if f'"form":"{form}"'.encode() in data}
        at = 0
        while at < len(data):
            self.event("send")
            if self.ended[end]:
                raise FrameError("the other side has ended")
            packet = data[at : at + (self.packet_bytes or len(data))]
            at += len(packet)
            if not self.hole:
                self.to[1 - end].extend(packet)

    def read(self, end: int, count: int, patience: float) -> bytes:
        """Wait for bytes; b"" when there will be none."""
        mine = self.to[end]
        self.processes.wait(patience, until=lambda: bool(mine) or self.ended[end])
        data = bytes(mine[:count])
        del mine[:count]
        return data


class Session:
    """What the operator's code holds of a connection."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.key = "SHA256:test"
        self.engine_sent = False
        self.link_bytes = 0
        self.queued_bytes = 0
        self.frames = Frames(self._read, lambda data: pipe.write(1, data))

    def _read(self, count: int) -> bytes:
        data = self._pipe.read(1, count, OPERATOR_PATIENCE_SECONDS)
        if not data:
            raise LinkLost("the link is lost")
        return data

    def is_alive(self) -> bool:
        """Say whether it was hung up."""
        return not self._pipe.ended[1]

    def close(self) -> None:
        """Hang up."""
        self._pipe.close(1)


def node_frames(pipe: Pipe) -> Frames:
    """Return the node's end."""
    frames = Frames(
        lambda count: pipe.read(0, count, frames.patience_seconds),
        lambda data: pipe.write(0, data),
        patience_seconds=NODE_PATIENCE_SECONDS,
    )
    return frames
