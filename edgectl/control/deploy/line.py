"""The one line into a store: all its nodes send over it together, under one limit, measured as one transfer.

Owns the sending of wanted blobs and what is told of it meanwhile. Must not know who decides what is wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.control.deploy.caps import Caps
from edgectl.control.deploy.transfer import Transfer
from edgectl.control.link.blobs import send_blobs
from edgectl.control.link.known import Known, read_bases
from edgectl.control.link.pace import Pace

if TYPE_CHECKING:
    from edgectl.control.deploy.listener import Listener
    from edgectl.control.link.session import Session

_ARRIVES_SECONDS = 600.0  # what the system has swallowed: megabytes, which 64 kbit/s carry in minutes
_LOOK_SECONDS = 0.05


class Line:
    """Shared by all deploys of one press; each call comes from the thread of one node."""

    def __init__(
        self,
        caps: Caps | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.caps = caps or Caps()
        self.transfer = Transfer(self.caps.seconds, clock=clock)
        self._pace = Pace(self.caps.now, clock=clock, sleep=sleep)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._told: float | None = None

    def send(
        self,
        node: str,
        session: Session,
        wanted: Sequence[Mapping[str, Any]],
        sources: Mapping[str, Path | bytes],
        listener: Listener,
        count: Callable[[int, int], object],
        *,
        known: Known | None = None,
        again: bool = False,
    ) -> None:
        """Send what a node wants, and tell how far it is until it has arrived; `known` are layers that it has.

        `count` gets of each write the bytes of content that it stands for, and those on the line. `again`: what is
        wanted had arrived, and could not be used.
        """
        bases = read_bases(session.frames, wanted, known or Known())
        missing = sum(int(item["size"]) - int(item["have_bytes"]) for item in wanted)
        if not wanted and not self.transfer.knows(node):
            return
        self.transfer.begin(node, missing, lambda: session.queued_bytes, again=again)
        if wanted:
            self._tell_limit(listener)
            listener.sending(self.transfer.now)

            def progress(content: int, wire: int) -> None:
                self.transfer.add(node, content, wire)
                count(content, wire)
                self._tell_limit(listener)
                listener.sending(self.transfer.now)

            send_blobs(
                session.frames, wanted, sources, bases=bases, progress=progress, pace=self._pace, clock=self._clock
            )
            self._arrive(node, session, listener)
        listener.sending(self.transfer.now)

    def _arrive(self, node: str, session: Session, listener: Listener) -> None:
        """Wait until what was written has arrived: until then it is not sent, and the rest still takes its time."""
        deadline = self._clock() + _ARRIVES_SECONDS
        while not self.transfer.has_arrived(node) and session.is_alive() and self._clock() < deadline:
            listener.sending(self.transfer.now)
            self._sleep(_LOOK_SECONDS)

    def _tell_limit(self, listener: Listener) -> None:
        """Tell which limit holds, and when another one does."""
        limit = self.caps.now()
        with self._lock:
            told, self._told = self._told, limit
        if limit != told:
            listener.limited(limit, self.caps)
