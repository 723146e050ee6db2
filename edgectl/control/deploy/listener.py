"""What a deploy tells whoever watches: the seam between doing and showing.

Owns: the calls and their meaning. A listener must never fail a deploy.
"""

from __future__ import annotations

from typing import Any, Protocol


class Listener(Protocol):
    """Called in order, from one thread."""

    def connected(self, hello: dict[str, Any]) -> None:
        """Say that the node has greeted: what it runs, who holds it."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Say how much must be sent; 0 and 0 when nothing."""

    def sending(self, sent_bytes: int, total_bytes: int) -> None:
        """Say how far the transfer is, without what an earlier try has left."""

    def started(self, run: str, sequence: int) -> None:
        """Say that the node works now, and goes on alone whatever happens here."""

    def event(self, event: dict[str, Any]) -> None:
        """Pass on one event (edgectl.wire.event)."""

    def note(self, sentence: str) -> None:
        """Say something worth knowing."""

    def link_lost(self, why: str, attempt: int) -> None:
        """Say that the link is gone and is being tried again."""

    def link_back(self) -> None:
        """Say that the link is back."""
