"""What a deploy tells whoever watches: the seam between doing and showing.

Owns: the calls and their meaning. A listener must never fail a deploy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from edgectl.control.deploy.caps import Caps, Forecast
    from edgectl.control.deploy.transfer import Progress
    from edgectl.control.payload.effects import Pause


class Listener(Protocol):
    """Called in order, from one thread."""

    def connected(self, hello: dict[str, Any]) -> None:
        """Say that the node has greeted: what it runs, who holds it."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Say how much must be sent; 0 and 0 when nothing."""

    def foreseen(self, forecast: Forecast, pauses: Sequence[Pause]) -> None:
        """Say how long the missing bytes will take, if anybody knows, and what will not serve for a while."""

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Say that so many bytes a second may go from now on; None: as many as can."""

    def sending(self, look: Callable[[], Progress]) -> None:
        """Say how far the transfer is, for the store as a whole; `look` may be asked again later."""

    def started(self, run: str, sequence: int) -> None:
        """Say that the node works now, and goes on alone whatever happens here."""

    def event(self, event: dict[str, Any]) -> None:
        """Pass on one event (edgectl.wire.event)."""

    def note(self, sentence: str) -> None:
        """Say something worth knowing."""

    def restarting(self, node: str, reason: str) -> None:
        """Say that a node restarts its machine, and will be away for minutes; the run goes on after it."""

    def restarted(self, node: str, seconds: float | None) -> None:
        """Say that it is back; `seconds` is how long it was away, as far as that was seen from here."""

    def link_lost(self, why: str, attempt: int) -> None:
        """Say that the link is gone and is being tried again."""

    def link_back(self) -> None:
        """Say that the link is back."""
