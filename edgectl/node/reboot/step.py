"""Step: the machine needs no restart for what is declared. It is made where it may be, and never again and again.

The facts are read by reboot.sh, which a technician can run, too. Must not know how a run survives its restart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.converge.slots import Slots
from edgectl.node.host.preflight import judge
from edgectl.node.io.look import Hands, Look
from edgectl.node.reboot.hours import believed, permitted
from edgectl.node.reboot.record import read as record_of
from edgectl.wire.host import Os, Reboots

ID = "reboot"
TITLE = "machine restart"
SCRIPT = str(Path(__file__).with_name("reboot.sh"))
NOUVEAU = "nouveau"
_TIMES = ("", "once", "twice")
_INITRAMFS_SECONDS = 600.0
_MISSING = 127
_LISTS = ("packages.json", "gpu-packages.json")  # of what was installed beyond what is declared


class Restarts(Protocol):
    """Whoever runs the recipe, and can go on with it after a restart."""

    @property
    def may(self) -> bool:
        """Tell whether the store's hours do not hold for this run."""
        ...

    @property
    def changed(self) -> Sequence[str]:
        """Return the steps that have changed anything in this run, before a restart, too."""
        ...

    def restart(self, cause: str, reason: str) -> None:
        """Restart the machine, which ends this program. Raises ApplyFailed when it goes on running."""
        ...


@dataclass(frozen=True)
class Reboot:
    """`may`: this very offer lifts the hours. `restarts`: None where it is only looked at."""

    declared: Os
    may: bool = False
    restarts: Restarts | None = None
    id: str = ID
    title: str = TITLE
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Run the probe script; then ask whether it was tried enough, and whether it may be now."""
        nvidia = "nvidia" if _is_nvidia(self.declared) else "-"
        seen = judge(read.run("sh", SCRIPT, nvidia, *sorted(_ours(self.declared, read))))
        if seen.status is not Status.IN_PROGRESS:
            return seen
        rule, slots = self.declared.reboots, Slots(read.places)
        slot, cause = slots.candidate or slots.current, seen.reason.partition(":")[0]
        done = record_of(read.places).restarts(slot.envelope.sequence if slot else 0, cause, read.boot_id())
        if not rule.most:
            return _waits(seen, "edgectl is told never to restart this machine (host.most_reboots: 0)")
        if done >= rule.most:
            reason = f"restarted {_TIMES[done] if done < len(_TIMES) else f'{done} times'}, and still: {seen.reason}"
            return replace(seen, status=Status.FAILED, reason=reason, is_gate=True)
        if why := self._not_now(rule, slots, cause):
            return _waits(seen, why)
        return replace(seen, status=Status.DRIFTED, differences=((cause, "this boot", "the next one"),))

    def apply(self, write: Hands, seen: Observation) -> None:
        """Prepare the next boot, and restart."""
        cause = seen.differences[0][0]
        if self.restarts is None:
            raise ApplyFailed("only a run that can go on after it restarts the machine")
        if cause == NOUVEAU:
            ran = write.change("update-initramfs", "-u", limit_seconds=_INITRAMFS_SECONDS)
            if not ran.ok and ran.code != _MISSING:
                raise ApplyFailed(f"the next boot would load nouveau again: {ran.last_words}", evidence=ran.evidence())
        self.restarts.restart(cause, seen.reason)

    def _not_now(self, rule: Reboots, slots: Slots, cause: str) -> str:
        run = self.restarts
        # a driver that this run has put there kept the hours; without its restart no GPU is let in until the next ones
        late = cause == "driver" and run is not None and "gpu-packages" in run.changed
        may = self.may or late or (run is not None and run.may)
        accepted = [slot.envelope.created for slot in (slots.candidate, slots.current) if slot]
        now = believed(datetime.now(timezone.utc), *accepted)
        return permitted(rule, serves=slots.current is not None, may_reboot=may, now=now)


def _waits(seen: Observation, why: str) -> Observation:
    """Return that the store goes on without its restart, and says so."""
    said = f"a restart is needed ({seen.reason}): {why}"
    return replace(seen, status=Status.CURRENT, reason=said, absent=said)


def _is_nvidia(declared: Os) -> bool:
    return any("nvidia" in package.name for package in (*declared.packages.wanted, *declared.packages.gpu))


def _ours(declared: Os, read: Look) -> set[str]:
    """Return the packages for which a restart is ours to make: what is declared, and what was installed for it."""
    found = {package.name for package in (*declared.packages.wanted, *declared.packages.gpu)}
    for name in _LISTS:
        found |= _names(read.text(read.places.owned / name))
    return found


def _names(text: str | None) -> set[str]:
    """Return the names that a list holds, or an object by its keys; one that cannot be read holds none."""
    try:
        doc = json.loads(text or "[]")
    except ValueError:
        return set()
    return {str(name) for name in doc} if isinstance(doc, (list, dict)) else set()
