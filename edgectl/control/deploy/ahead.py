"""Content of models to come, sent with no deploy, as long as it may go.

Owns that conversation, and where it ends before all has gone. Must not know windows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgectl.control.deploy.deploy import Deploy, need
from edgectl.control.link.session import Session


class Stopped(Exception):
    """Sending has ended before all had gone, since `may` said so; what has come is kept."""


class Ahead(Deploy):
    """A write begins only while `may` says so; the outcome's sequence is the newest that the node has taken."""

    def __init__(self, *args: Any, may: Callable[[], bool], **options: Any) -> None:
        super().__init__(*args, **options)
        self._may = may

    def _converse(self, session: Session) -> None:
        if not self._may():  # the link was lost, and is back too late
            raise Stopped
        hello = session.frames.receive()
        need(hello, "hello")
        self._listener.connected(hello)
        session.frames.send("prefetch", **self._request(hello, session.key))
        while True:
            frame = session.frames.receive()
            if not self._has_answered(session, frame):
                need(frame, "staged")
                self.outcome.sequence = int(frame["sequence"])
                return

    def _count(self, content: int, wire: int) -> None:
        super()._count(content, wire)
        if not self._may():
            raise Stopped
