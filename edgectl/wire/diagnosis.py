"""What a doctor says: causes, the most fundamental first, what follows from each, and what is fine.

Owns: the shape that a node fills and both sides show. Sentences come with it: who has looked has judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.wire.errors import Exit
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN

FORMAT = 1  # of its document, as of all documents: docs/schemas
_EXITS = {READY: Exit.OK, DEGRADED: Exit.DEGRADED}


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong by itself. `code` names its page, `stops` tells whether the store does not serve."""

    code: str
    part: str
    says: str
    evidence: tuple[str, ...] = ()
    do: str = ""
    stops: bool = True
    so: tuple[str, ...] = ()  # titles of what cannot be well because of it
    node: str = ""  # whose it is, in a store of several


@dataclass(frozen=True, slots=True)
class Unseen:
    """What could not be looked at, though nothing that is known stands in the way: never fine."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One node, or one store. `notes` are no faults: who works here, what was rejected, what to see to one day."""

    name: str
    causes: tuple[Cause, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    fine: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    looked: int = 0
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """How it stands: ready only where nothing is wrong, and all could be looked at."""
        if any(cause.stops for cause in self.causes):
            return NOT_READY
        return UNKNOWN if self.unseen else DEGRADED if self.causes else READY

    @property
    def exit(self) -> int:
        """The exit code, as of `status`."""
        return int(_EXITS.get(self.word, Exit.NOT_READY))
