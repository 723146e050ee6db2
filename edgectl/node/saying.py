"""What a run says while it works: every event to its journal, every action also to the unit's log.

Owns: what is left out. Must not know what a run decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.protocol import Gate, Observation, Status
from edgectl.wire import event


@dataclass(frozen=True)
class Saying:
    """Says every event to the journal, and what was done to the unit's log."""

    journal: Journal

    def __call__(self, word: str, step: Gate[Any], seen: Observation) -> None:
        """Say one event."""
        telling = word not in {event.OK, event.BLOCKED}
        self.journal.write(
            event.STEP,
            step=step.id,
            title=step.title,
            word=word,
            reason=seen.reason,
            differences=seen.differences if telling else (),
            evidence=seen.evidence if seen.status in {Status.FAILED, Status.UNKNOWN} else (),
        )
        if telling and word != event.WAITING:
            print(f"{word} {step.id}: {seen.reason}", flush=True)  # noqa: T201 - the unit's log, for journalctl
