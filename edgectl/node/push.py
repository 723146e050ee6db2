"""A deploy arriving over the link: root on SSH, whose word needs no signature.

Owns: what comes beside the content there (values of secrets, the token of the cluster). The session that sends a
deploy may die at any moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgectl.node import audit
from edgectl.node.accept import accept
from edgectl.node.coming import expect
from edgectl.node.converge.slots import Slots
from edgectl.node.entry import could_begin
from edgectl.node.foretell import foretell
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.judged import may_follow_said
from edgectl.node.load.kept import forget
from edgectl.node.models import ahead
from edgectl.node.receive import take
from edgectl.node.rest import not_being_removed
from edgectl.node.secrets.values import keep_values
from edgectl.node.sending import hold
from edgectl.node.share.take import near_first
from edgectl.wire.document import from_json
from edgectl.wire.envelope import Envelope, judge_store
from edgectl.wire.frame import Frames
from edgectl.wire.meant import Meant

Judge = Callable[[Places, dict[str, Any]], object]


def deploy(places: Places, frames: Frames, frame: dict[str, Any]) -> tuple[str, int]:
    """Take one deploy from the link; returns (run id, sequence) of the run that was started or met.

    Raises Locked, Refused, NotReady, StepFailed.
    """
    offer = from_json(Envelope, frame["envelope"])
    return accept(places, offer, Link(places, frames, frame, offer))


def stage(
    places: Places,
    frames: Frames,
    frame: dict[str, Any],
    *,
    judged: Judge = ahead.judge,
    first: Callable[[], object] = lambda: None,
) -> int:
    """Take the content of a deploy that will follow, and nothing more; returns the newest sequence taken here.

    `first`, then `judged`, are called before a byte of it is taken. Raises Locked, Refused, NotReady.
    """
    offer = from_json(Envelope, frame["envelope"])
    slots = Slots(places)
    belongs_to = slots.current or slots.candidate
    if belongs_to is not None:
        judge_store(offer, belongs_to.envelope.store)
    not_being_removed(places, offer.store)
    could_begin(places, offer, _meant(frame))
    with hold(places, offer, ahead=judged is not ahead.judge):
        if judged is ahead.judge:  # models ahead of a deploy run under no other k3s
            may_follow_said(places, offer, frame.get("k3s"))
        first()
        judged(places, frame)
        near_first(places, frames, frame)
        take(places, frames, frame, foretell(places, offer) if frame.get("foretell") else {})
        if judged is ahead.judge:  # models that come ahead of a deploy are named already
            expect(places, map(str, frame["blobs"]))
    return slots.sequence


class Link:
    """The way of one deploy."""

    def __init__(self, places: Places, frames: Frames, frame: dict[str, Any], offer: Envelope) -> None:
        self._places = places
        self._frames = frames
        self._frame = frame
        self._offer = offer
        self.meant = _meant(frame)
        self.by = audit.over_ssh(places, offer.sender)
        self.asked = told if isinstance(told := frame.get("asked"), dict) else {}

    def bring(self) -> None:
        """Say what is missing, and receive it: from a neighbour first, where there is one."""
        may_follow_said(self._places, self._offer, self._frame.get("k3s"))
        ahead.judge(self._places, self._frame)
        near_first(self._places, self._frames, self._frame)
        take(self._places, self._frames, self._frame, foretell(self._places, self._offer))

    def keep(self) -> None:
        """Keep the values of secrets."""
        keep_values(self._places, self._offer, self._frame)

    def accept(self, slots: Slots, offer: Envelope) -> None:
        """Accept it."""
        slots.accept(offer)

    def taken(self) -> None:
        """Keep what an agent joins its cluster with; what came by stick before is older."""
        forget(self._places)
        keep_join_token(self._places, self._frame)

    def note(self, sentence: str) -> None:
        """Tell the operator."""
        self._frames.send("note", reason=sentence)

    def beat(self) -> None:
        """Tell the operator that this node works."""
        self._frames.send("beat")


def _meant(frame: dict[str, Any]) -> Meant | None:
    """Return the machine that a frame is for; it is said only where any is declared."""
    return from_json(Meant, frame["machine"]) if "machine" in frame else None


def keep_join_token(places: Places, frame: dict[str, Any]) -> None:
    """Keep what this node joins its cluster with; it came over the link and stands in no payload."""
    token, look = str(frame.get("join_token", "")), Hands(places)
    had = look.text(places.join_token)
    if token and had != token + "\n":
        write_atomic(places.join_token, f"{token}\n".encode(), mode=0o600)
        if had is not None:  # another cluster than the one that k3s was started for: without its record it is restarted
            look.remove(places.k3s_started)
