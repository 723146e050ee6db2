"""Models brought ahead: to every node of a store, in the store's hours, as long as these last.

Owns when it may go, and what is left when it stops. Must not know how it is shown, nor how bytes travel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import RLock
from types import MappingProxyType

from edgectl.control.deploy.ahead import Ahead, Stopped
from edgectl.control.deploy.everywhere import everywhere
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.neighbours import Neighbours, Place
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.spread import MOST_AT_ONCE
from edgectl.control.deploy.together import Connect, Follower
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.errors import EdgectlError
from edgectl.wire.hours import Window, is_open
from edgectl.wire.meant import meant_of
from edgectl.wire.thing import files

Answers = Mapping[str, "Came | EdgectlError"]


@dataclass(frozen=True, slots=True)
class Came:
    """How it ended at one node: what it cost, and whether the hours had ended before all was there."""

    outcome: Outcome
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """When models may be brought ahead to a store; at any time without windows, or where a person insists."""

    windows: Sequence[Window]
    insists: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def hold(self) -> bool:
        """Tell whether it may go now."""
        return self.insists or is_open(self.windows, self.clock())


def offer_ahead(given: Offer, rendered: Rendered, node: str) -> Offer | None:
    """Return what is offered to a node of the models to come; None where nothing is to come."""
    models = rendered.payload.models
    if models is None or not models.next:
        return None
    return replace(
        given,
        node=node,
        values={},
        blobs=models.sizes,
        sources=dict(rendered.next_paths),
        names=files(models.next),
        models=replace(models, current=()),
        meant=meant_of(rendered.payload.node(node)),
    )


def prefetch(
    offers: Mapping[str, tuple[Offer, Connect]],
    listener: Listener,
    line: Line,
    may: Callable[[], bool],
    addresses: Mapping[str, str] = MappingProxyType({}),
) -> Answers:
    """Bring every node what it lacks; what stands against it at a node is the node's answer.

    Where the nodes' `addresses` on the store's own network are known, one gets it over the line, the others from there.
    """
    lock = RLock()
    places = {name: Place(connect, addresses[name]) for name, (_, connect) in offers.items() if name in addresses}
    signed = any(offer.signed for offer, _ in offers.values())
    near = Neighbours(places, line) if len(places) > 1 and not signed else None

    def bring(name: str) -> Callable[[], Came]:
        offer, connect = offers[name]
        told: Listener = listener if len(offers) == 1 else Follower(listener, name, lock)
        ahead = Ahead(offer, connect, told, line=line, may=may, near=near)

        def run() -> Came:
            try:
                return Came(ahead.run())
            except Stopped:
                return Came(ahead.outcome, stopped=True)

        return run

    answers: dict[str, Came | EdgectlError] = {}
    waiting = list(offers)
    while waiting:
        now = waiting if near is None else waiting[: MOST_AT_ONCE if near.held else 1]
        waiting = waiting[len(now) :]
        try:
            answers |= everywhere({name: bring(name) for name in now})
        finally:
            if near is not None:
                near.end()
        for name, answer in answers.items():
            if near is not None and isinstance(answer, Came) and not answer.stopped:
                near.know(name, offers[name][0].blobs)
    return answers


def left(answers: Answers, line: Line) -> int:
    """Return how many bytes have not arrived, as far as can be told."""
    progress = line.transfer.now()
    stopped = any(isinstance(one, Came) and one.stopped for one in answers.values())
    return progress.total_bytes - progress.sent_bytes if stopped else 0
