"""How a deploy of one node ended, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.payload.effects import Pause
from edgectl.wire import event

_TOLD = frozenset({"step", "title", "word", "reason", "at", "differences", "evidence"})


@dataclass(slots=True)
class Outcome:
    """How a deploy ended. `verdict` is the node's last event; the rest is what it cost."""

    run: str = ""
    sequence: int = 0
    before: int = 0  # the last accepted sequence when this was offered
    serving: int = 0  # the sequence that ran then; 0 when nothing was deployed
    verdict: dict[str, Any] = field(default_factory=dict)
    looked: int = 0
    changed: tuple[str, ...] = ()
    bytes_missing: int = 0  # when it began
    seconds_estimate: float | None = None  # for them, as it was foreseen; None: nobody knew
    pauses: tuple[Pause, ...] = ()
    blob_bytes: int = 0  # of blobs that the node lacked
    wire_bytes: int = 0  # that travelled for them: fewer, where they were packed or like older ones
    neighbour_bytes: int = 0  # of blobs that other nodes of the store gave, over its own network
    link_bytes: int = 0
    sessions: int = 0
    reboots: list[dict[str, Any]] = field(default_factory=list)  # node, reason, seconds away (None: unseen)
    seconds: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)  # what the run has said of each, as it came
    audit: str = ""  # the newest line of the node's audit that was told of
    others: dict[str, dict[str, Any]] = field(default_factory=dict)  # node -> how it ended there

    def saw(self, item: Mapping[str, Any]) -> None:
        """Keep what the run has said of a step."""
        if item.get("kind") == event.STEP:
            self.steps.append({key: value for key, value in item.items() if key in _TOLD})
