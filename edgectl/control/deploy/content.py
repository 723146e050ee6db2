"""The content of a deploy, brought to every node of a store before the lead takes it: each byte over the line once.

Owns the order: all others are looked at, then the lead gets what it lacks, then they take theirs from whoever holds it.
Where nobody but the lead lacks anything, the lead is not asked twice: its deploy brings it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.everywhere import everywhere
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.neighbours import Neighbours
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.spread import wave
from edgectl.control.link.session import Session
from edgectl.wire.errors import EdgectlError, Locked, Refused


@dataclass(frozen=True, slots=True)
class Part:
    """One node's: what it is offered, how it is reached, who is told."""

    offer: Offer
    connect: Callable[[], Session]
    listener: Listener


class Content:
    """`lead` is the lead's part of it, `outcomes` what all that was asked has cost, `unreached` who did not take it."""

    def __init__(self, lead: Part, followers: Mapping[str, Part], line: Line, near: Neighbours | None) -> None:
        self._parts = {lead.offer.node: lead, **followers}
        self._followers = followers
        self._line = line
        self._near = near
        self._lead = lead.offer.node
        self.lead = self._stage(self._lead)
        self.outcomes: list[Outcome] = []
        self.unreached: dict[str, EdgectlError] = {}

    def run(self) -> None:
        """Bring it. Raises Locked or Refused when a node takes nothing, and whatever keeps it from the lead."""
        kind = _Look if self._near else Stage
        looks = {name: self._stage(name, kind) for name in self._followers}
        self._settle(everywhere({name: look.run for name, look in looks.items()}))
        left = {}
        for name, look in looks.items():
            if self._near and name not in self.unreached:
                self._near.know(name, self._parts[name].offer.blobs, look.lacks)
                if look.lacks:
                    left[name] = look.lacks
        if left and self._near:
            self._bring({self._lead: frozenset(self._parts[self._lead].offer.blobs), **left}, self._near)

    def _bring(self, left: dict[str, frozenset[str]], near: Neighbours) -> None:
        """Go on until nobody is left: who carries what nobody holds goes before those who take it from there."""
        while names := wave(list(self._parts), left, near.held):
            stages = {name: self.lead if name == self._lead else self._stage(name) for name in names}
            try:
                self._settle(everywhere({name: stage.run for name, stage in stages.items()}))
            finally:
                near.end()
            for name in names:
                del left[name]
                if name not in self.unreached:
                    near.know(name, self._parts[name].offer.blobs)

    def _stage(self, name: str, kind: type[Stage] | None = None) -> Stage:
        part = self._parts[name]
        return (kind or Stage)(part.offer, part.connect, part.listener, line=self._line, near=self._near)

    def _settle(self, found: Mapping[str, Outcome | EdgectlError]) -> None:
        for name, one in found.items():
            if isinstance(one, Outcome):
                self.outcomes.append(one)
                continue
            if name == self._lead or isinstance(one, (Locked, Refused)):
                raise one  # nothing goes without it; or somebody else is at it, or this is another store's node
            self.unreached[name] = one
            self._line.transfer.drop(name)
            if self._near:
                self._near.forget(name)
            self._parts[self._lead].listener.note(one.message)


class Stage(Deploy):
    """Content that is sent with no deploy; the outcome's sequence is the newest that the node has taken."""

    asks = "stage"
    foretells = True  # the node says what pauses the deploy will bring
    lacks: frozenset[str] = frozenset()

    def _converse(self, session: Session) -> None:
        hello = session.frames.receive()
        need(hello, "hello")
        self._listener.connected(hello)
        session.frames.send(self.asks, **self._request(hello, session.key), foretell=self.foretells)
        while True:
            frame = session.frames.receive()
            if not self._has_answered(session, frame):
                need(frame, "staged")
                self.outcome.sequence = int(frame["sequence"])
                return


class _Look(Stage):
    """The same, only until it is known what the node lacks; one that lacks nothing has taken all."""

    def run(self) -> Outcome:
        try:
            return super().run()
        except _Enough:
            return self.outcome

    def _take_near(self, session: Session, frame: dict[str, Any]) -> None:
        del session
        self.lacks = frozenset(str(item["digest"]) for item in frame["blobs"])
        raise _Enough


class _Enough(Exception):
    """What a look is for is known."""
