"""What a run says while it works: every event to its journal, every action also to the unit's log.

Owns: what is left out. Must not know what a run decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.protocol import Gate, Observation, Status
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.gaps import Gaps
from edgectl.node.reboot.restarts import Restarts
from edgectl.wire import event
from edgectl.wire.verdict import Verdict


@dataclass(frozen=True)
class End:
    """What has become of the slot that a run was about; `returned` is how going back went."""

    verdict: Verdict
    promoted: bool = False
    returned: Verdict | None = None
    gaps: dict[str, float] = field(default_factory=dict)  # seconds that workloads did not serve


@dataclass(frozen=True)
class Saying:
    """Says every event to the journal, and what was done to the unit's log."""

    journal: Journal
    restarts: Restarts
    gaps: Gaps = field(default_factory=lambda: Gaps(time.monotonic))

    def __call__(self, word: str, step: Gate[Any], seen: Observation) -> None:
        """Say one event."""
        self.gaps.saw(word, step.id)
        self.restarts.saw(word, step.id)
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

    def note(self, sentence: str) -> None:
        """Say what the run does next, and why."""
        self.journal.write(event.NOTE, reason=sentence)

    def end(self, slot: Slot, end: End, slots: Slots) -> dict[str, Any]:
        """Say the verdict, always the last; returns what was said of it."""
        verdict, returned, serving = end.verdict, end.returned, slots.current
        restarts, reasons = self.restarts, self.restarts.reasons
        first = verdict.first_wrong
        data = {
            "word": verdict.word,
            "exit": verdict.exit,
            "looked": len(verdict.steps),
            "changed": list(dict.fromkeys((*restarts.changed, *verdict.changed))) if reasons else list(verdict.changed),
            "seconds": round(verdict.seconds, 3),
            "probes": round(sum(step.seconds for step in verdict.steps), 3),
            "sequence": slot.envelope.sequence,
            "payload": slot.envelope.payload,
            "promoted": end.promoted,
            "serving": serving.envelope.sequence if serving else 0,
            "apps": slots.apps_of(serving).envelope.sequence if serving else 0,
            "gate": first.id if first else "",
            "evidence": list(first.evidence) if first else [],
            "returned": None if returned is None else {"word": returned.word, "reason": returned.reason},
            **({"gaps": end.gaps} if end.gaps else {}),
            **({"reboots": list(reasons)} if reasons else {}),
        }
        self.journal.write(event.VERDICT, word=verdict.word, reason=verdict.reason, data=data)
        print(f"{verdict.word}: {verdict.reason or 'as declared'}", flush=True)  # noqa: T201 - the unit's log
        return data
