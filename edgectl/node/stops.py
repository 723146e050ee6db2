"""What ends a run before its end, or keeps its hands off a step: asked between two steps.

Owns: which runs step aside for whom. Must not know what a run decides then.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from edgectl.node import cancel, restraint
from edgectl.node.converge.protocol import Gate
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.io.places import Places
from edgectl.node.request import HEAL, deploy_comes
from edgectl.node.rest import rest


@dataclass
class Stops:
    """Of one run; `sequence` is what it is about."""

    places: Places
    kind: str
    sequence: int = 0

    def asked(self) -> str:
        """Say why the run ends here; "" when it goes on."""
        return self.steps_aside() or self.cancelled()

    def steps_aside(self) -> str:
        """Say for whom a heal makes way; a run that a person has asked for makes way for nobody."""
        if self.kind != HEAL:
            return ""
        if deploy_comes(self.places):
            return "a deploy goes first"
        found = rest(self.places)
        return found.sentence if found else ""

    def cancelled(self) -> str:
        """Say who has cancelled what this run is about."""
        return cancel.read(self.places, self.sequence)

    def dropped(self, slots: Slots) -> Slot | None:
        """Return what a person waits for where somebody has cancelled it before this run began."""
        if self.kind == HEAL or slots.candidate is not None:
            return None
        cancelled = (slot for slot in slots.all() if cancel.read(self.places, slot.envelope.sequence))
        return next((slot for slot in cancelled if slot.rejected), None)

    def spares(self, step: Gate[Any]) -> str:
        """Say why a heal leaves a step as it is."""
        if self.kind != HEAL:
            return ""
        return restraint.read(self.places).spares(step.id, time.monotonic())
