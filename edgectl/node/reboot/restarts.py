"""A run that restarts its machine and goes on afterwards: noted first, then asked for, then waited for.

Owns the order of it: whoever is killed anywhere in here leaves a record that is whole, and a machine that is either
asked or not. Must not know why a restart is needed, nor what the run decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.io.files import sync_dir
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.owed import restarts_back
from edgectl.node.reboot.record import GoesOn, consume, goes_down, keep, read
from edgectl.node.reboot.step import ID, TITLE
from edgectl.node.request import Request
from edgectl.node.standing import Standing
from edgectl.wire import event
from edgectl.wire.verdict import StepResult, Verdict

DOWN_SECONDS = 120.0
SETTLED_SECONDS = 3600.0
_SYNC_SECONDS = 300.0
_ASK_SECONDS = 30.0


class Restarts:
    """What one run has in hand for the moment when its machine restarts. `resumed`: it has done so already."""

    def __init__(self, hands: Hands, request: Request, journal: Journal, resumed: GoesOn | None = None) -> None:
        self._hands = hands
        self._request = request
        self._journal = journal
        self._resumed = resumed
        self._about = Slots(hands.places).current
        self.before: Standing = {}
        self.turned_down: Verdict | None = resumed.turned_down if resumed else None
        self.changed = list(resumed.changed) if resumed else []

    @property
    def may(self) -> bool:
        """Tell whether the store's hours do not hold for this run: where a person has lifted them.

        And where it goes back from what it has restarted the machine for: what serves is dark until that is undone.
        """
        back = self.turned_down is not None and bool(self.reasons)
        return self._request.may_reboot or back or restarts_back(self._hands.places)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why this run has restarted its machine, each time."""
        return self._resumed.reasons if self._resumed else ()

    def about(self, slot: Slot, slots: Slots) -> Slot:
        """Return what this run is about: the slot that it was given, or the one that it had turned down before."""
        if self.turned_down is not None and self._resumed is not None:
            sequence = self._resumed.sequence
            slot = next((old for old in slots.all() if old.envelope.sequence == sequence), slot)
        self._about = slot
        return slot

    def known(self, slot: Slot) -> Standing:
        """Return how the store stood before this candidate, as this run has seen it before it was cut."""
        return self._resumed.before if self._resumed and self._resumed.sequence == slot.envelope.sequence else {}

    def saw(self, word: str, step: str) -> None:
        """Remember what this run has changed: after a restart it is still this run's."""
        if word == event.CHANGED and step not in self.changed:
            self.changed.append(step)

    def restart(self, cause: str, reason: str) -> None:
        """Restart the machine, which ends this program. Raises ApplyFailed when it goes on running."""
        places, slots = self._hands.places, Slots(self._hands.places)
        slot, about = slots.candidate or slots.current, self._about
        goes_on = GoesOn(
            request=self._request,
            boot=self._hands.boot_id(),
            payload=about.envelope.payload if about else "",
            sequence=about.envelope.sequence if about else 0,
            reasons=(*self.reasons, reason),
            changed=(*self.changed, ID),
            before=dict(self.before),
            turned_down=self.turned_down,
        )
        try:  # before anything else: a restart that is not counted could be one of many
            keep(places, read(places).asks(slot.envelope.sequence if slot else 0, cause, goes_on))
            sync_dir(self._journal.path.parent)
        except OSError as error:
            raise ApplyFailed(f"no restart without a note of it on the disk: {error.strerror or error}") from error
        if slots.candidate is not None:
            slots.forget_tries(slots.candidate)  # this run of it ends without a verdict, and that is no fault of it
        self._journal.write(event.STEP, step=ID, title=TITLE, word=event.REBOOTING, reason=reason)
        self._hands.change("sync", limit_seconds=_SYNC_SECONDS)
        goes_down(places)
        ran = self._hands.change("systemctl", "reboot", "--no-block", limit_seconds=_ASK_SECONDS, keeps_lock=False)
        if not ran.ok:
            consume(places)
            raise ApplyFailed(f"the machine does not restart: {ran.last_words}", evidence=ran.evidence())
        deadline = time.monotonic() + DOWN_SECONDS
        while time.monotonic() < deadline:
            time.sleep(1)
        consume(places)
        jobs = self._hands.run("systemctl", "list-jobs", "--no-pager")
        raise ApplyFailed(f"the machine has not gone down within {DOWN_SECONDS:.0f} s", evidence=jobs.evidence())


def settle(look: Look, steps: Iterable[StepResult]) -> None:
    """Forget how often the machine was restarted, once none is needed and it has been up for long enough.

    Not at once: what needs a restart again minutes after each one would get one for ever.
    """
    record = read(look.places)
    if not record.asked or record.goes_on is not None:
        return
    well = any(step.id == ID and step.status == "current" and not step.absent for step in steps)
    if well and look.up_seconds() >= SETTLED_SECONDS:
        look.places.reboot.unlink(missing_ok=True)


def begins(places: Places, request: Request | None) -> tuple[Request | None, GoesOn | None]:
    """Return what this run is asked for: by a person, else to go on where a restart has cut one."""
    if request is not None:
        return request, None
    cut = read(places).goes_on
    return (cut.request, cut) if cut else (None, None)
