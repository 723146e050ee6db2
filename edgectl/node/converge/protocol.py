"""Steps and gates: the one protocol of everything that looks at a node or changes it.

A gate is a step without `apply`. Verify is probe again.
Must not know what a step is about, nor how a node is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeGuard, TypeVar, runtime_checkable

Read = TypeVar("Read", contravariant=True)
Write = TypeVar("Write", contravariant=True)


class Status(str, Enum):
    """What a look at one thing has shown.

    Not yet (IN_PROGRESS) and never (FAILED) differ: a wait ends early on never.
    Could not look (UNKNOWN) is never fine, and never the same as looked and wrong.
    """

    CURRENT = "current"
    DRIFTED = "drifted"
    IN_PROGRESS = "in-progress"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Observation:
    """One look. `reason` is a sentence for a person, `differences` are (field, have, want), `evidence` what was read.

    `degraded` on a current observation says what is missing while the store serves all the same. `absent` says the
    same of a neighbour in the store, which no deploy is judged by; a wait for it may end without it.
    """

    status: Status
    reason: str
    degraded: str = ""
    absent: str = ""
    differences: tuple[tuple[str, str, str], ...] = ()
    evidence: tuple[str, ...] = ()
    is_gate: bool = False  # a step's failure that is the machine's and not its own: the store is not ready (exit 5)


@dataclass(frozen=True)
class Wait:
    """How long a gate may take, and how often it is asked. Seconds."""

    limit_seconds: float
    every_seconds: float = 1.0


@runtime_checkable
class Gate(Protocol, Generic[Read]):
    """Something that must be true. MUST NOT change the node; MUST NOT block without a deadline of its own.

    `id` is unique and stable, `title` is shown to people, `wait` says how long not-yet is acceptable.
    `needs` names earlier ids: when one of them is not current, this is blocked, not asked.
    """

    @property
    def id(self) -> str:
        """Name it for machines."""
        ...

    @property
    def title(self) -> str:
        """Name it for people."""
        ...

    @property
    def wait(self) -> Wait:
        """Say how long "not yet" is acceptable."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Name what must be current before this is asked."""
        ...

    def probe(self, read: Read) -> Observation:
        """Look, and compare with the declaration (never with an earlier look)."""
        ...


@runtime_checkable
class Step(Gate[Read], Protocol, Generic[Read, Write]):
    """Something that edgectl makes true.

    `apply` MUST work from any half-done state that its own kill can leave, and MUST leave nothing that the next
    probe cannot see (a needed restart is a fact, not a notification).
    """

    def apply(self, write: Write, seen: Observation) -> None:
        """Make it so. Raises ApplyFailed with evidence."""
        ...


def applies(step: Gate[Any]) -> TypeGuard[Step[Any, Any]]:
    """Tell a step from a gate; a hundred times as fast as `isinstance`, which looks for each member by its name."""
    return hasattr(step, "apply")


class ApplyFailed(Exception):
    """An apply could not do its work; `evidence` is what was run and what it said."""

    def __init__(self, reason: str, *, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


class LookFailed(Exception):
    """A probe could not look; the loop turns this into UNKNOWN."""

    def __init__(self, reason: str, *, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence
