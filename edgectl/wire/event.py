"""What a converge says while it runs: journal lines, one JSON object each, in order.

Owns: the event's shape and its words. The journal is evidence, never memory: nothing reads it to decide.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

# Kinds, in the order in which a run shows them.
RUN = "run"  # claimed: run id, kind, sender, payload
STEP = "step"  # a step's result so far: word, reason, evidence
NOTE = "note"  # something a person should read
VERDICT = "verdict"  # the end: always the last line

# Words of a step event, one language everywhere (docs/words.md).
OK = "ok"  # as declared
CHANGED = "changed"  # it was not, and is now: the same look has seen it
CHANGING = "changing"  # it is not; the differences are named
WAITING = "waiting"  # not yet
FAILED = "failed"  # never, or still wrong after the change
BLOCKED = "blocked"  # by an earlier step, named
UNKNOWN = "unknown"  # could not look
DRIFTED = "drifted"  # in a plan: a deploy would change it
REBOOTING = "rebooting"  # the machine restarts, and this run goes on after it


def now() -> str:
    """Return this machine's wall clock as people read it, RFC 3339 in UTC: shown, never compared."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `at` is seconds since the run began (monotonic), `time` the node's wall clock for people."""

    run: str
    kind: str
    at: float
    time: str
    step: str = ""
    title: str = ""
    word: str = ""
    reason: str = ""
    differences: tuple[tuple[str, str, str], ...] = ()
    evidence: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
