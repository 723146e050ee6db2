"""A listener for tests that look at something else."""

from __future__ import annotations

from typing import Any


class Silent:
    """Hear everything, say nothing."""

    def connected(self, hello: dict[str, Any]) -> None:
        """Ignore."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Ignore."""

    def sending(self, sent_bytes: int, total_bytes: int) -> None:
        """Ignore."""

    def started(self, run: str, sequence: int) -> None:
        """Ignore."""

    def event(self, event: dict[str, Any]) -> None:
        """Ignore."""

    def note(self, sentence: str) -> None:
        """Ignore."""

    def link_lost(self, why: str, attempt: int) -> None:
        """Ignore."""

    def link_back(self) -> None:
        """Ignore."""
