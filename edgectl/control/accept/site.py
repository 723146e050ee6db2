"""What an acceptance needs of a store and of whoever stands before it: the seam to the command line.

Owns the calls. Each raises EdgectlError with a sentence of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.inventory.store import Store
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.errors import EdgectlError
from edgectl.wire.finding import Finding
from edgectl.wire.gpu import GpuLook
from edgectl.wire.lab import LabFacts, LabLook, Relied


class Site(Protocol):
    """One store of a lab."""

    store: Store
    cut_run: str  # the run whose link was cut last

    def say(self, sentence: str) -> None:
        """Tell a person how far it is."""

    def preflight(self) -> Mapping[str, tuple[Finding, ...] | EdgectlError]:
        """Look at each node before a deploy."""

    def press(self, *, changed: int = 0, cut: bool = False) -> Outcome:
        """Deploy what is declared, or the same with one value changed: each number is another value.

        `cut`: the link breaks as soon as the node has taken it.
        """

    def status(self) -> Seen:
        """Ask the lead whether it is as deployed."""

    def gpus(self) -> Mapping[str, GpuLook | EdgectlError]:
        """Look at the GPUs of each node that has some."""

    def doctor(self) -> Diagnosis:
        """Ask what is wrong."""

    def look(self) -> LabLook:
        """Look at the lead, cheaply."""

    def facts(self) -> LabFacts:
        """Ask the lead what it is."""

    def relied(self) -> tuple[Relied, ...]:
        """Ask the lead what its k3s does."""

    def strike(self, kind: str) -> None:
        """Let something strike the lead."""

    def switch(self) -> bool:
        """Take the power from the lead by a switch of its own and give it back; False where there is no such switch."""

    def bare_bytes(self) -> int:
        """Return what a connection costs on the line that does nothing."""

    def is_loopback(self) -> bool:
        """Tell whether the line to the lead never leaves this machine."""
