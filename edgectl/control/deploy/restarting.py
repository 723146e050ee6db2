"""A node's machine that restarts in the middle of its deploy: how long it may be away, and how long it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.control.link.lost import WrongHostKey
from edgectl.wire.errors import EdgectlError, Unreachable

AWAY_SECONDS = 900.0  # servers with much memory and many cards take minutes before they even begin to boot


@dataclass(slots=True)
class Restarting:
    """One restart. Times are the operator's monotonic seconds."""

    node: str
    reason: str
    since: float
    was_away: bool = False

    def miss(self, lost: EdgectlError, now: float) -> None:
        """Note that the node is not there: as it goes down, its programs end one way or the other, or lose their disk.

        Raises when it should be back by now, or somebody else answers.
        """
        self.was_away = True
        if isinstance(lost, WrongHostKey):
            raise lost
        if now - self.since > AWAY_SECONDS:
            hint = (
                f"look at its screen, its power and its network; as soon as {self.node} is up it goes on by itself, "
                "and the same command re-attaches"
            )
            minutes = AWAY_SECONDS / 60
            raise Unreachable(
                f"{self.node} has not come back from its restart within {minutes:.0f} minutes ({self.reason})",
                hint=hint,
                details=(lost.message, *lost.details),
            ) from lost

    def seconds(self, now: float) -> float | None:
        """Return how long it took; None where it was over before anybody here knew."""
        return round(now - self.since, 1) if self.was_away else None

    def told(self, now: float) -> dict[str, Any]:
        """Return it for a program."""
        return {"node": self.node, "reason": self.reason, "seconds": self.seconds(now)}
