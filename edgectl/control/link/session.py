"""The engine at the other end of a link: frames, what they cost, and the evidence when it ends before its time.

Owns the session's life. Must not know what is asked of the engine.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from edgectl.control.link.channel import Channel
from edgectl.control.link.link import Link
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.wire.errors import Bug
from edgectl.wire.frame import Frames


class Session:
    """One running engine. Use as a context manager: the connection ends with the block.

    `engine_sent` tells whether this session has brought the engine; `noise` is what the login printed before it.
    """

    def __init__(
        self, link: Link, channel: Channel, runtime: RuntimeArchive, *, engine_sent: bool = False, noise: str = ""
    ) -> None:
        self.link = link
        self.channel = channel
        self.runtime = runtime
        self.engine_sent = engine_sent
        self.noise = noise
        self.frames = Frames(self._read, channel.write)

    @property
    def link_bytes(self) -> int:
        """Bytes on the wire so far, both directions, SSH's own included."""
        return self.link.sent_bytes + self.link.received_bytes

    @property
    def queued_bytes(self) -> int:
        """Bytes that are written and have not arrived yet: a thin line swallows megabytes before it carries them."""
        return self.link.queued_bytes

    def is_alive(self) -> bool:
        """Tell whether the link still stands, as far as is known."""
        return self.link.is_alive()

    @property
    def key(self) -> str:
        """The fingerprint of the key that was let in: who the sender is."""
        return self.link.key.fingerprint

    def close(self) -> None:
        """End the connection; what the engine has started on the node goes on."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, max_bytes: int) -> bytes:
        """Read; an end that is no answer is an error.

        LinkLost when the link broke, or the engine was stopped from outside (a reboot, say): coming back may help.
        Bug when it crashed: coming back would not.
        """
        data = self.channel.read(max_bytes)
        if data:
            return data
        status = self.channel.exit_status(seconds=5)
        said = self.channel.stderr().strip()
        if status:
            raise Bug(
                f"the engine on {self.link.target.node} ended by itself (exit {status})",
                hint="please report this, with the lines above",
                details=tuple(said.splitlines()[-30:]),
            )
        raise self.link.lost("the engine at the other end was stopped")
