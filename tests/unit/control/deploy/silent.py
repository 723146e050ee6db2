"""A listener for tests that look at something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgectl.control.deploy.caps import Caps, Forecast
from edgectl.control.deploy.transfer import Progress
from edgectl.control.payload.effects import Pause


class Silent:
    """Hear everything, say nothing."""

    def connected(self, hello: dict[str, Any]) -> None:
        """Ignore."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Ignore."""

    def foreseen(self, forecast: Forecast, pauses: Sequence[Pause]) -> None:
        """Ignore."""

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Ignore."""

    def sending(self, look: Callable[[], Progress]) -> None:
        """Ignore."""

    def started(self, run: str, sequence: int) -> None:
        """Ignore."""

    def event(self, event: dict[str, Any]) -> None:
        """Ignore."""

    def note(self, sentence: str) -> None:
        """Ignore."""

    def restarting(self, node: str, reason: str) -> None:
        """Ignore."""

    def restarted(self, node: str, seconds: float | None) -> None:
        """Ignore."""

    def link_lost(self, why: str, attempt: int) -> None:
        """Ignore."""

    def link_back(self) -> None:
        """Ignore."""
