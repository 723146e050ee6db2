"""An offer accepted as the candidate, and started: the one way in, over the link or by stick.

Owns: the order of it: machine, held, judged, content, judged again, kept, run. Must not know how content comes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Protocol

from edgectl.node import audit, cancel
from edgectl.node.converge.slots import Slots
from edgectl.node.entry import could_begin, meet_machine, meet_older
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.judged import check, heard, judged, same
from edgectl.node.k3s.admit import admit
from edgectl.node.request import DEPLOY, Request, leave
from edgectl.node.rest import not_at_rest
from edgectl.node.sending import Aside, hold, meet, start
from edgectl.node.units.install import install
from edgectl.wire import event
from edgectl.wire.envelope import Envelope
from edgectl.wire.meant import Meant, meant_of


class Way(Protocol):
    """How an offer has come."""

    @property
    def by(self) -> dict[str, str]:
        """Who has brought it, and how that is known."""

    @property
    def asked(self) -> Mapping[str, str]:
        """What else the other side says of it, for the audit."""

    @property
    def meant(self) -> Meant | None:
        """The machine that it is for, as far as that is said before content comes."""

    def bring(self) -> None:
        """Bring all content here, verified; nothing else is changed."""

    def keep(self) -> None:
        """Keep what came beside the content; before the offer is accepted, or when its run is met."""

    def accept(self, slots: Slots, offer: Envelope) -> None:
        """Make it the candidate."""

    def taken(self) -> None:
        """Do what is done once it is the candidate, or has been."""

    def note(self, sentence: str) -> None:
        """Tell whoever waits."""

    def beat(self) -> None:
        """Say to whoever waits that this goes on."""


def accept(places: Places, offer: Envelope, way: Way) -> tuple[str, int]:
    """Take one offer; returns (run id, sequence) of the run that was started or met.

    Raises Locked, Refused, NotReady, StepFailed.
    """
    with audit.refusals(places, offer, way.by, way.asked):
        return _accept(places, offer, way)


def _accept(places: Places, offer: Envelope, way: Way) -> tuple[str, int]:
    slots = Slots(places)
    if met := meet(places, offer):
        way.keep()
        return met, slots.sequence
    could_begin(places, offer, way.meant)
    with hold(places, offer):
        not_at_rest(places, offer.store)
        judged(slots, offer)
        way.bring()
        with Aside(places, way.note, way.beat) as aside:
            if met := aside.wait(offer):
                way.keep()
                return met, slots.sequence
            judged(slots, offer)  # again: only now does nobody else decide about slots
            newest = slots.candidate or slots.current
            heard(slots, newest, offer)
            if newest is None or not same(slots, newest, offer):
                node, look = check(places, slots, offer), Look(places)
                meet_machine(look, meant_of(node))
                meet_older(look, slots, offer, node.k3s.version)
                admit(places, node.k3s.images, way.beat)
            install(Hands(places))  # also when nothing is new: without its timers a store does not heal itself
            way.keep()  # first: whoever runs the candidate, after a power cut too, has it
            cancel.end(places)  # before it is the candidate: who cancels from here on means this deploy
            if newest is not None and same(slots, newest, offer):
                audit.accepted(places, newest.envelope, way.by, way.asked, audit.AGAIN)
                slots.forget_tries(newest)
            else:
                audit.accepted(places, offer, way.by, way.asked, audit.ACCEPTED)
                way.accept(slots, offer)
            way.taken()
            run = ask(places, offer)
        return run, slots.sequence


def ask(places: Places, offer: Envelope) -> str:
    """Let the engine run, for a person; returns the run's id."""
    run = secrets.token_hex(4)
    leave(places, Request(run, DEPLOY, offer.sender, event.now(), may_reboot=offer.may_reboot))
    start(places, run)
    return run
