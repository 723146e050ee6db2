"""How collected nodes stand, and which of it somebody should be told: alerts. Pure.

Owns: the rules. All are judged from what a node has told and by this machine's clock, since a node's may be wrong: how
old a beat is says when it came here, not what it says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from edgectl.wire.chain import DEGRADED, NOT_READY, READY
from edgectl.wire.verdict import INTERRUPTED, UNKNOWN

PAUSED = "paused"
WORDS = (READY, DEGRADED, NOT_READY, UNKNOWN, INTERRUPTED, PAUSED)
SILENT_SECONDS = 3600.0
LEAST_DAYS = 30
MOST_PERCENT = 85  # kubelet takes images away from here on, and evicts pods a little later
WARNING, CRITICAL = "warning", "critical"
_MOST_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Stand:
    """One node: its newest beat, the end of its newest deploy, and why it could not be asked now ("" when it could)."""

    store: str
    node: str
    beat: Mapping[str, Any] = field(default_factory=dict)
    deploy: Mapping[str, Any] = field(default_factory=dict)
    unreached: str = ""

    @property
    def word(self) -> str:
        """How it stands by its own word; "" where it has told nothing that is understood here."""
        found = self.beat.get("word")
        return found if found in WORDS else UNKNOWN if found else ""

    def age(self, now: float) -> float | None:
        """Return for how many seconds no beat has come; None where none ever has."""
        try:
            came = datetime.fromisoformat(str(self.beat["got"])).timestamp()
        except (KeyError, ValueError):
            return None
        return max(now - came, 0.0)

    def says(self, name: str) -> int | None:
        """Return a number of the beat; None where it has none."""
        found = self.beat.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    @property
    def certificate_days(self) -> int | None:
        """Days until the first of k3s's certificates ends; None where that is not told."""
        found = self.says("cert")
        return None if found is None or found < 0 else found

    @property
    def rejected(self) -> int:
        """The sequence that was turned down last, as long as no other one has done better; 0 for none."""
        tried = self.deploy.get("sequence")
        if not isinstance(tried, int) or not self.deploy.get("returned") or self.deploy.get("word") == INTERRUPTED:
            return 0  # it runs, nothing ran before it, or a person has cancelled it
        return tried if tried >= (self.says("runs") or 0) else 0


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should see to. Which one it is: name, store, node and how bad, as receivers see it."""

    name: str
    store: str
    node: str
    severity: str
    summary: str
    todo: str

    @property
    def key(self) -> str:
        """What makes it the same alert at the next look."""
        return f"{self.store}/{self.node}/{self.name}/{self.severity}"


def alerts(stand: Stand, now: float, *, silent_seconds: float = SILENT_SECONDS) -> Iterator[Alert]:
    """Yield what is to be told of a node."""
    where, age = f"{stand.store}/{stand.node}", stand.age(now)

    def alert(name: str, severity: str, summary: str, todo: str) -> Alert:
        return Alert(name, stand.store, stand.node, severity, summary[:_MOST_LETTERS], todo)

    if age is not None and age > silent_seconds:
        why = f": {stand.unreached}" if stand.unreached else "; it can be asked, but its engine runs no more"
        yield alert(
            "EdgectlSilence",
            CRITICAL,
            f"{where} has told nothing for {_length(age)}{why}",
            f"edgectl status {stand.store}",
        )
    reason = f" ({stand.beat['why']})" if stand.beat.get("why") else ""
    if stand.word == DEGRADED:
        yield alert(
            "EdgectlDegraded",
            WARNING,
            f"{where} serves with something missing{reason}",
            f"edgectl status {stand.store}",
        )
    elif stand.word in {NOT_READY, UNKNOWN}:
        yield alert("EdgectlNotReady", CRITICAL, f"{where} is {stand.word}{reason}", f"edgectl status {stand.store}")
    if stand.rejected:
        said = str(stand.deploy.get("reason", "")) or "it gave no reason"
        yield alert(
            "EdgectlRejected",
            WARNING,
            f"{where} has turned sequence {stand.rejected} down: {said}",
            f"edgectl history {stand.store}",
        )
    days = stand.certificate_days
    if days is not None and days < LEAST_DAYS:
        when = f"in {days} days" if days else "today, or has ended"
        yield alert(
            "EdgectlCertificate",
            CRITICAL if days < LEAST_DAYS // 4 else WARNING,
            f"a certificate of k3s on {where} ends {when}",
            f"it renews it by itself, with a restart of k3s in windows.reboot; at once: edgectl deploy {stand.store} "
            f"--reboot-now; by hand, at {stand.node}: systemctl restart k3s (k3s-agent where it is no server)",
        )
    used = stand.says("disk")
    if used is not None and used >= MOST_PERCENT:
        yield alert(
            "EdgectlDisk",
            WARNING,
            f"the disk of {where} is {used} % full",
            f"edgectl preflight {stand.store}; lower model_budget or uplink.budget",
        )


def _length(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"  # noqa: PLR2004 - two of each
