"""One run of the engine on this node: what `edgectl-converge.service` starts.

Owns: which slot is converged, what happens to it at the end, and the run's journal. Must not know how steps work.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import replace

from edgectl.node import audit, gaps, owed, restraint
from edgectl.node.converge.journal import Journal
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.loop import Clock, converge, plan
from edgectl.node.converge.protocol import Status
from edgectl.node.converge.slots import MOST_TRIES, Slot, Slots
from edgectl.node.desired import is_one_way, load, same_base
from edgectl.node.follow import heed, tell
from edgectl.node.gpu.proof import try_again
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.outbox.report import Ended, report, report_pause
from edgectl.node.reboot.record import GoesOn, consume
from edgectl.node.reboot.restarts import Restarts, begins, settle
from edgectl.node.recipe import base_of, recipe
from edgectl.node.request import HEAL, Request, put_back, take
from edgectl.node.rest import rest
from edgectl.node.saying import End, Saying
from edgectl.node.standing import Standing, note, noted, standing, worse
from edgectl.node.startup import clock
from edgectl.node.stops import Stops
from edgectl.node.sweep import sweep
from edgectl.wire import event
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import Exit
from edgectl.wire.verdict import INTERRUPTED, NOT_READY, UNKNOWN, Verdict

_LOCK_TRIES = 50
_SYNC_SECONDS = 300.0


def run(places: Places) -> int:
    """Converge the candidate, else what runs. Returns the exit code of the verdict."""
    asked, cut = begins(places, take(places))
    request = asked or Request(secrets.token_hex(4), HEAL, Sender("edgectl", os.uname().nodename), "")
    resting = rest(places)
    if resting and (resting.removes or request.kind == HEAL):
        print(f"{resting.sentence}; {resting.hint}", flush=True)  # noqa: T201 - the unit's log
        Slots(places).untried()
        if not resting.removes:
            report_pause(places)
        return int(Exit.OK)
    lock = Lock(places.run, {**to_json(request), "since": event.now(), "pid": os.getpid()})
    for _ in range(_LOCK_TRIES):  # whoever looks who holds it takes it for a moment
        if lock.acquire():
            break
        time.sleep(0.1)
    else:
        print("another run holds this node", file=sys.stderr, flush=True)  # noqa: T201 - the unit's log
        Slots(places).untried()
        if asked and not cut:
            put_back(places, asked)  # its session waits for this very run
        return int(Exit.LOCKED)
    with lock:
        consume(places)  # what a restart has cut is gone on with here, or a person has asked for something else
        slots = Slots(places)  # read behind the lock: nobody else decides about them now
        if (taken := slots.candidate or slots.current) is not None:
            lock.describe(payload=taken.envelope.payload)
        slot = heed(places, slots, Look(places, keep_fds=(lock.fd,)))
        if slot is None:
            print("nothing has been deployed to this node yet", flush=True)  # noqa: T201 - the unit's log
            return int(Exit.OK)
        journal = Journal(places.journal, request.run, request.kind, spare=places.journals[1], goes_on=cut is not None)
        try:
            return _Run(places, slots, request, lock, journal, cut).whole(slot)
        finally:
            journal.close()


class _Run:
    def __init__(
        self, places: Places, slots: Slots, request: Request, lock: Lock, journal: Journal, cut: GoesOn | None
    ) -> None:
        self.places = places
        self.slots = slots
        self.request = request
        self.journal = journal
        self.look = Look(places, keep_fds=(lock.fd,))
        self.hands = Hands(places, keep_fds=(lock.fd,))
        self.restarts = Restarts(self.hands, request, journal, cut)
        self.say = Saying(journal, self.restarts)
        self.stops = Stops(places, request.kind)
        self.clock = Clock(time.monotonic, time.sleep)

    def whole(self, slot: Slot) -> int:
        slot = self.stops.dropped(self.slots) or self.restarts.about(slot, self.slots)
        envelope = slot.envelope
        self.stops.sequence = envelope.sequence
        self.journal.write(
            event.RUN,
            reason=self.request.kind,
            data={
                "payload": envelope.payload,
                "sequence": envelope.sequence,
                "sender": to_json(self.request.sender),
                "boot": self.look.boot_id(),
                **({"restarts": len(self.restarts.reasons)} if self.restarts.reasons else {}),
            },
        )
        audit.catch_up(self.places, slot)
        try:
            if self.request.kind != HEAL:
                restraint.forget(self.places)  # a person has pressed
                try_again(self.hands)
            end = self._decide(slot)
        except OSError as error:  # a full disk, say: the machine is as it is, only the decision could not be kept
            self.slots.forget_tries(slot)
            reason = f"what was decided could not be kept on the disk: {error.strerror or error}"
            end = End(Verdict(UNKNOWN, int(Exit.FAILED), reason))
        clock.keep(self.places, time.time())
        said, stands = self.say.end(slot, end, self.slots), end.returned or end.verdict
        settle(self.look, stands.steps)
        tell(self.places, self.slots, self.hands, stands)
        run, kind = self.request.run, self.request.kind
        audit.ended(self.places, slot, kind, run, said, end.verdict.reason)
        report(self.places, self.look, Ended(run, kind, said, end.verdict, stands, self.journal.path))
        return end.verdict.exit

    def _decide(self, slot: Slot) -> End:
        candidate, current = self.slots.candidate, self.slots.current
        if (turned_down := self.restarts.turned_down) and current is not None:  # cut on its way back
            returned = self._converge(current, self.slots.apps_of(current), returning=True)
            self._note(returned)
            return End(turned_down, returned=returned)
        if candidate is None and current is not None and slot.folder != current.folder:  # dropped before this run
            cancelled = Verdict(INTERRUPTED, int(Exit.INTERRUPTED), self.stops.cancelled())
            return End(cancelled, returned=self._keep(current).verdict)
        if candidate is None or candidate.folder != slot.folder:
            return self._keep(slot)
        return self._first(slot) if current is None else self._try(slot, current)

    def _keep(self, slot: Slot) -> End:
        """Bring the store to what it runs; a heal with restraint."""
        held = restraint.read(self.places)
        if self.request.kind == HEAL and (wait := held.waits(time.monotonic())) and (seen := self._unchanged(slot)):
            nothing = f"nothing has changed since the last {held.vain} runs"
            self.say.note(f"{nothing}; the next repair in {wait / 60:.0f} min")
            return End(seen)
        verdict = self._converge(slot, self.slots.apps_of(slot), returning=owed.is_owed(self.places, slot))
        self._note(verdict)
        if self.request.kind == HEAL and verdict.exit != Exit.INTERRUPTED:
            well = verdict.exit in {Exit.OK, Exit.DEGRADED}
            restraint.keep(self.places, held.after(verdict.changed, well=well, now=time.monotonic()))
        return End(verdict)

    def _unchanged(self, slot: Slot) -> Verdict | None:
        """Look: return the verdict when the store stands as the last run has left it."""
        seen, last = self._seen(slot), noted(self.places, slot, self.slots.apps_of(slot))
        found = standing(seen.steps) if seen else {}
        return seen if found and found.keys() == last.wrong.keys() else None

    def _seen(self, slot: Slot) -> Verdict | None:
        """Look at what should run; None when that cannot be read."""
        try:
            steps = recipe(*load(self.places, slot, self.slots.apps_of(slot)))
        except (OSError, ValueError):
            return None
        return plan(steps, self.look, lambda *_: None, self.clock, wrong_first=True)

    def _first(self, slot: Slot) -> End:
        """Bring up what has nothing before it: it is never rejected, only tried again."""
        verdict = self._converge(slot, fresh=True)
        promoted = verdict.exit in {Exit.OK, Exit.DEGRADED}
        if promoted:
            self._promote(slot, verdict)
        return End(verdict, promoted=promoted)

    def _try(self, slot: Slot, current: Slot) -> End:
        """Try a candidate: promoted when no gate stands worse than before, else the store goes back."""
        if slot.tries > MOST_TRIES:
            verdict = Verdict(UNKNOWN, int(Exit.FAILED), f"no verdict in {MOST_TRIES} attempts")
            return self._turn_down(slot, current, verdict, {})
        before = self.restarts.before = self.restarts.known(slot) or self._before(current)
        verdict = self._converge(slot, fresh=True)
        if verdict.exit == Exit.INTERRUPTED:
            if self.stops.cancelled():
                return self._turn_down(slot, current, verdict, before)
            self.slots.forget_tries(slot)
            return End(verdict)
        found = worse(verdict.steps, before, accept_degraded=slot.envelope.accept_degraded)
        if verdict.steps and not found:
            paused = gaps.settle(self.places, self.say.gaps, (current, self.slots.apps_of(current)), slot)
            self._promote(slot, verdict)
            return End(verdict, promoted=True, gaps=paused)
        if verdict.exit == Exit.DEGRADED:
            reason = f"{verdict.reason}; it was whole before this deploy (to insist: --accept-degraded)"
            verdict = replace(verdict, word=NOT_READY, exit=int(Exit.NOT_READY), reason=reason)
        if verdict.word == UNKNOWN and slot.tries < MOST_TRIES:  # could not look is not looked and wrong
            return End(verdict)
        return self._turn_down(slot, current, verdict, before)

    def _turn_down(self, slot: Slot, current: Slot, verdict: Verdict, before: Standing) -> End:
        """Reject a candidate and go back; a base that has done well stays, under the apps that ran before."""
        apps, about = self.slots.apps_of(current), {"time": event.now(), "run": self.request.run}
        self.restarts.turned_down = verdict
        keeps_base, one_way = self._keeps_base(slot, current, verdict, before)
        previous = self.slots.previous
        if keeps_base:
            try:  # decided before it is done: whoever is killed in here finds a whole decision
                self.slots.promote(slot, apps=apps, word=verdict.word, **about)
            except OSError:  # a disk that this candidate has filled must not keep the store from going back
                if one_way:
                    raise
                keeps_base = False
        if keeps_base:
            self.slots.reject(slot, reason=verdict.reason, **about)
            self.say.note(f"the apps go back to sequence {apps.envelope.sequence}; the base stays")
            returned = self._converge(slot, apps, returning=True)
            if one_way or returned.exit == Exit.INTERRUPTED or not worse(returned.steps, before):
                self._note(returned)
                return End(verdict, returned=returned)
            owed.owe(self.places, current, slot)
            self.slots.put_back(current, previous)
        else:
            owed.owe(self.places, current, slot)  # first: whoever is killed here finds the candidate, or the mark
            self.slots.reject(slot, reason=verdict.reason, **about)
        self.say.note(f"going back to sequence {current.envelope.sequence}")
        returned = self._converge(current, apps, returning=True)
        self._note(returned)
        return End(verdict, returned=returned)

    def _keeps_base(self, slot: Slot, current: Slot, verdict: Verdict, before: Standing) -> tuple[bool, bool]:
        """Tell whether the candidate's base stays when its apps go, and whether it must, since k3s cannot go back."""
        try:
            new, old = load(self.places, slot), load(self.places, current)
        except (OSError, ValueError):
            return False, False
        if same_base(new[0], old[0]):
            return False, False
        # a k3s that never served goes back with its datastore from before (node/k3s/raised.py); one that did, stays
        served = any(step.id == "k3s-serves" and step.status == Status.CURRENT.value for step in verdict.steps)
        one_way = is_one_way(old[0], new[0]) and served
        if verdict.exit == Exit.INTERRUPTED:
            return one_way, one_way  # cancelled: all of it goes that can
        names = base_of(*new)
        base = [step for step in verdict.steps if step.id in names]
        whole = {step.id for step in base} == names  # a run that has crashed proves nothing
        return one_way or (whole and not worse(base, before)), one_way

    def _before(self, current: Slot) -> Standing:
        """Return what is wrong with what runs, before a candidate touches it."""
        last = noted(self.places, current, self.slots.apps_of(current))
        seen = self._seen(current) if last.wrong else None
        return last.still(seen.steps) if seen else {}

    def _promote(self, slot: Slot, verdict: Verdict) -> None:
        self.slots.promote(slot, time=event.now(), run=self.request.run, word=verdict.word)
        self._note(verdict)
        with suppress(OSError):  # room is nice to have; the next promotion tries again
            sweep(self.places)

    def _note(self, verdict: Verdict) -> None:
        current = self.slots.current
        if current is not None and verdict.exit != Exit.INTERRUPTED:
            note(self.places, current, self.slots.apps_of(current), verdict.steps)
            owed.settle(self.places, current, self.slots.apps_of(current), verdict)

    def _converge(
        self, slot: Slot, apps: Slot | None = None, *, fresh: bool = False, returning: bool = False
    ) -> Verdict:
        try:
            payload, node = load(self.places, slot, apps)
        except (OSError, ValueError) as error:
            reason = f"the payload of sequence {slot.envelope.sequence} cannot be read: {error}"
            return Verdict(UNKNOWN, int(Exit.FAILED), reason)
        tried = slot.envelope if fresh else None
        if fresh:
            self.say.gaps.watch(self.look, payload)
        verdict = converge(
            recipe(payload, node, tried=tried, returning=returning, runs=True, restarts=self.restarts),
            self.look,
            self.hands,
            say=self.say,
            clock=self.clock,
            stop=self.stops.asked if fresh else self.stops.steps_aside,
            spare=self.stops.spares,
        )
        if verdict.changed or fresh:  # also what a run of this candidate has changed that was killed since
            # "Done" may be said only when what k3s and containerd wrote has reached the disk: a power cut 45 s after
            # the first boot left most unpacked image files empty (measured).
            self.hands.change("sync", limit_seconds=_SYNC_SECONDS)
        return verdict
