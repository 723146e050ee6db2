"""Content sent to a node with no deploy: ahead of one that follows at once, or of models that will come some day.

Owns that conversation, and where it ends before all has gone. Must not know which content it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgectl.control.deploy.deploy import Deploy, need
from edgectl.control.link.session import Session


class Stopped(Exception):
    """Sending has ended before all had gone, since `until` said so; what has come is kept."""


class Content(Deploy):
    """The content of an offer; the outcome's sequence is the newest that the node has taken."""

    asks = "stage"

    def _converse(self, session: Session) -> None:
        hello = session.frames.receive()
        need(hello, "hello")
        self._listener.connected(hello)
        session.frames.send(self.asks, **self._request(hello, session.key))
        while True:
            frame = session.frames.receive()
            if frame["op"] == "want":
                self._send(session, frame)
            elif frame["op"] == "note":
                self._listener.note(str(frame.get("reason", "")))
            else:
                need(frame, "staged")
                self.outcome.sequence = int(frame["sequence"])
                return


class Ahead(Content):
    """Content of models to come, sent as long as it may go: a write begins only then."""

    asks = "prefetch"

    def __init__(self, *args: Any, may: Callable[[], bool], **options: Any) -> None:
        super().__init__(*args, **options)
        self._may = may

    def _converse(self, session: Session) -> None:
        if not self._may():  # the link was lost, and is back too late
            raise Stopped
        super()._converse(session)

    def _count(self, content: int, wire: int) -> None:
        super()._count(content, wire)
        if not self._may():
            raise Stopped
