"""Step: k3s's certificates end in more than a month. Where they do not, k3s is started anew, which renews them.

k3s signs its leaves for a year, and anew at a start that finds 120 days or less (90 before May 2025,
docs.k3s.io/cli/certificate): a store that runs for a year without one would stop. The restart keeps the store's hours,
as one of the machine does; once the certificates have ended it does not wait any more. Authorities are k3s's for ten
years and renewed by a person. Owns the note of what was tried in this boot: nothing is restarted for it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.expiry import Ending, endings
from edgectl.node.reboot.hours import believed, permitted
from edgectl.wire.host import Reboots

LEAST_DAYS = 30
_AUTHORITY_DAYS = 180  # a person has to plan that
_DAY = 86400.0
_RENEWS_SECONDS = 120.0  # a server says that it is up before its own agent has new certificates
_DOCS = "docs/upgrade.md"


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Certificates:
    """Those of this node's k3s. `hours`: when it may be started anew; `may`: this very deploy lifts them."""

    unit: str
    hours: Reboots
    may: bool = False
    now: Callable[[], datetime] = _now
    id: str = "certificates"
    title: str = "certificates"
    needs: tuple[str, ...] = ("k3s",)
    wait: Wait = Wait(limit_seconds=180)

    def probe(self, read: Look) -> Observation:
        """Read when they end; then ask whether a restart was tried, and whether it may be now."""
        found = endings(read)
        leaves = [one for one in found if not one.is_authority]
        if not leaves:
            return Observation(Status.IN_PROGRESS, "k3s has made no certificates yet")
        slots = Slots(read.places)
        created = [slot.envelope.created for slot in (slots.candidate, slots.current) if slot]
        now = believed(self.now(), *created)
        if now is None:
            wrong = "this machine's clock cannot be right: whether k3s's certificates have ended is not known"
            return Observation(Status.CURRENT, wrong, absent=wrong)
        authorities = [one for one in found if one.is_authority]
        if dead := _until(authorities, now, 0):
            return _dead(f"k3s's authority {_says(dead, now)}: k3s certificate rotate-ca, then a deploy ({_DOCS})")
        first = min(leaves, key=lambda one: one.ends)
        if not _until(leaves, now, LEAST_DAYS):
            return _well(first, authorities, now)
        return self._renewal(read, slots, first, now)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Note what is tried, and start k3s anew. Does not wait: the probe does."""
        write.write(_note(write), " ".join(seen.differences[0][:2]) + "\n")
        write.remove(write.places.k3s_started)  # killed in here, k3s still needs its restart for whoever looks then
        ran = write.change("systemctl", "restart", "--no-block", self.unit, limit_seconds=60)
        if not ran.ok:
            raise ApplyFailed(f"k3s could not be restarted: {ran.last_words}", evidence=ran.evidence())

    def _renewal(self, read: Look, slots: Slots, first: Ending, now: datetime) -> Observation:
        """Judge what must be renewed, soon or late."""
        said, ended = f"k3s's certificate {_says(first, now)}", first.ends <= now
        have = f"ends {first.ends:%Y-%m-%d %H:%M} UTC"
        if (read.text(_note(read)) or "").strip() == f"{first.path} {have}":
            noted = read.entry(_note(read))
            if noted is not None and self.now().timestamp() - noted.st_mtime < _RENEWS_SECONDS:
                return Observation(Status.IN_PROGRESS, "k3s starts, and renews its certificates")
            told = f"{said}, and a restart of k3s has not renewed it: k3s certificate rotate ({_DOCS})"
            return _dead(told) if ended else Observation(Status.CURRENT, told, absent=told)
        why = permitted(self.hours, serves=slots.current is not None, may_reboot=self.may or ended, now=now)
        if why:
            waits = f"{said}; the restart of k3s that renews it {why}"
            return Observation(Status.CURRENT, waits, absent=waits)
        differences = ((first.path, have, "renewed, by a restart of k3s"),)
        return Observation(Status.DRIFTED, f"{said}; a restart of k3s renews it", differences=differences)


def _well(first: Ending, authorities: Iterable[Ending], now: datetime) -> Observation:
    reason = f"for {(first.ends - now).total_seconds() / _DAY:.0f} days"
    if near := _until(authorities, now, _AUTHORITY_DAYS):
        said = f"k3s's authority {_says(near, now)}: a person renews it with k3s certificate rotate-ca ({_DOCS})"
        return Observation(Status.CURRENT, f"{reason}; {said}", absent=said)
    return Observation(Status.CURRENT, reason)


def _until(found: Iterable[Ending], now: datetime, days: int) -> Ending | None:
    """Return the first that ends within so many days."""
    near = [one for one in found if (one.ends - now).total_seconds() <= days * _DAY]
    return min(near, key=lambda one: one.ends, default=None)


def _says(one: Ending, now: datetime) -> str:
    left = (one.ends - now).total_seconds()
    when = f"has ended on {one.ends:%Y-%m-%d}" if left <= 0 else f"ends in {left / _DAY:.0f} days"
    return f"{Path(one.path).name} {when}"


def _dead(reason: str) -> Observation:
    return Observation(Status.FAILED, reason, is_gate=True)


def _note(read: Look) -> Path:
    return read.places.run / "certificates.tried"
