"""Content of models to come, sent with no deploy, as long as it may go.

Owns where that ends before all has gone. Must not know windows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgectl.control.deploy.content import Stage
from edgectl.control.link.session import Session


class Stopped(Exception):
    """Sending has ended before all had gone, since `may` said so; what has come is kept."""


class Ahead(Stage):
    """A write begins only while `may` says so."""

    asks = "prefetch"
    foretells = False

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
