"""An offer taken from a source: judged, then brought piece by piece by digest and size, then accepted like any other.

Owns: that order. Nothing live changes before all of it is verified; what was copied stays for the next try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from edgectl.node.accept import accept
from edgectl.node.audit import by_signature
from edgectl.node.converge.lock import holder
from edgectl.node.converge.slots import EVIDENCE, Slots
from edgectl.node.entry import meet_machine
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.judged import may_follow
from edgectl.node.load import engine, kept
from edgectl.node.load.copy import Copying
from edgectl.node.load.source import Source
from edgectl.node.models.budget import refuse_over
from edgectl.node.receive import want
from edgectl.node.rest import not_at_rest
from edgectl.node.secrets import values as kept_values
from edgectl.node.secrets.kept import lacking
from edgectl.node.sending import hold, meet
from edgectl.node.trust.accept import accepted, note_heard, signed_by, trust_here
from edgectl.wire.document import is_digest, to_json
from edgectl.wire.envelope import Envelope, Sender, judge_store, short
from edgectl.wire.errors import Locked, NotReady, Refused
from edgectl.wire.k3s import versions_of
from edgectl.wire.meant import meant_of
from edgectl.wire.offer import MOST_BYTES, Offer, orders_of
from edgectl.wire.payload import Payload, decode
from edgectl.wire.trust import written

_PAYLOAD_BYTES = 16 << 20  # it is read whole
_MATCHING = "export anew, with the edgectl that made the inventory"
Note = Callable[[str], object]
Become = Callable[[Places, str, list[str]], object]


@dataclass(frozen=True)
class _Signed:
    """An offer that this node takes: what it says, and the very bytes that were signed."""

    offer: Offer
    who: Sender
    evidence: Mapping[str, bytes]


def take(
    places: Places,
    source: Source,
    *,
    look: Look,
    note: Note,
    now: Callable[[], float] = time.time,
    engine_asked: str = "",
    become: Become = engine.become,
) -> tuple[str, int, str]:
    """Take what a source has for this node; returns (run id, sequence, payload) of the run that was started or met.

    `engine_asked`: this process was begun as the engine of an offer, for that one. Raises EdgectlError, LookFailed, and
    OSError where the node's own disk is in the way.
    """
    slots = Slots(places)
    mine = _mine(slots)
    signed = _signed(places, look, source, mine.store, now=now())
    offer = signed.offer
    if source.kind == "pull" and now() >= offer.expires:
        _frozen(source, offer, now=now())
    judge_store(replace(mine, store=offer.store), mine.store)
    envelope = replace(
        mine,
        payload=offer.payload.digest,
        runtime=offer.runtime.digest,
        created=datetime.fromtimestamp(offer.serial, timezone.utc).isoformat(timespec="seconds"),
        sender=signed.who,
        commit=offer.commit,
        summary=offer.summary,
        **orders_of(offer),
    )
    newest = slots.candidate or slots.current
    if envelope.lead and newest and newest.envelope.payload == envelope.payload:
        envelope = replace(envelope, sequence=newest.envelope.sequence)  # the lead's, under which it was taken
    not_at_rest(places, envelope.store)
    meet(places, envelope)
    _alone(places, envelope)
    if engine_asked and engine_asked != envelope.runtime:
        raise Refused(f"{source.name} has changed while it was read", hint="run the same command again")
    if not engine.runs_here(places, envelope.runtime) and not engine_asked:
        with hold(places, envelope):
            _bring_engine(places, source, offer, note)
        become(places, envelope.runtime, ["load", source.name, "--engine", envelope.runtime])
    run, sequence = accept(places, envelope, _Loaded(places, source, signed, look, note))
    return run, sequence, envelope.payload


def _alone(places: Places, offer: Envelope) -> None:
    """Raise Locked where the same is being loaded: by a timer or a person, and not, as over a link, by a dead line."""
    found = holder(places.run / "sending") or {}
    if found.get("sender") == to_json(offer.sender):
        raise Locked(
            f"this is being loaded here already, since {found.get('since', '')}",
            hint="wait until that has ended, or end it; what it has copied is kept",
        )


def _mine(slots: Slots) -> Envelope:
    """Return the envelope that this node would make of any offer; NotReady where nothing was deployed yet."""
    current = slots.current
    belongs = current or slots.candidate
    if belongs is None:
        raise NotReady(
            "nothing has been deployed to this node yet: it belongs to no store and trusts nobody's signature",
            hint="its first deploy comes over SSH: edgectl deploy STORE; sticks are for what comes after",
        )
    return Envelope(
        store=belongs.envelope.store,
        node=belongs.envelope.node,
        payload="",
        runtime="",
        base=current.envelope.payload if current else "",
        sequence=slots.sequence + 1,
        created="",
        sender=Sender("", ""),
        lead="offer" if belongs.envelope.lead else "",
    )


def _signed(places: Places, look: Look, source: Source, store: str, *, now: float) -> _Signed:
    path = f"offers/{store}.json"
    data, signature = source.small(path, MOST_BYTES), source.small(f"{path}.sig", MOST_BYTES)
    if data is None:
        raise Refused(
            f"{source.name} has nothing for {store}: there is no {path}",
            hint=f'edgectl bundle export "{store}" --to DIR --sign-with KEY makes it',
        )
    if signature is None:
        raise Refused(f"{source.name} has an offer for {store} that nobody has signed", hint="export it anew")
    try:
        offer = accepted(places, look, data, signature, now=now)
    except Refused:
        # an export that was cut off between two names has left the new offer beside the old signature
        again = source.small(f"{path}.sig.new", MOST_BYTES)
        if again is None:
            raise
        offer, signature = accepted(places, look, data, again, now=now), again
    signer = signed_by(look, signature)
    who = Sender(signer.who, source.kind, signer.fingerprint)
    return _Signed(offer, who, dict(zip(EVIDENCE, (data, signature), strict=True)))


def _frozen(source: Source, offer: Offer, *, now: float) -> None:
    """Refuse what was taken once and has expired since: a mirror that is stuck, or is held, looks like one at rest."""
    raise Refused(
        f"{source.name} has nothing newer than what was taken here, which has expired at {written(offer.expires)}; "
        f"this node's clock says {written(now)}",
        hint="is the clock right (timedatectl)? else somebody publishes nothing new, or withholds it: bring a stick",
    )


def _bring_engine(places: Places, source: Source, offer: Offer, note: Note) -> None:
    part = offer.runtime
    if engine.is_here(places, part.digest):
        return
    if part.size > engine.MOST_BYTES:
        raise Refused(
            f"the engine {short(part.digest)} is larger than an engine is: {part.size} bytes", hint=engine.HINT
        )
    Copying(places, source, note).bring(want(places, {part.digest: part.size}))
    blob = places.blob(part.digest)
    try:
        engine.unpack(places, part.digest, blob.read_bytes())
    finally:
        blob.unlink(missing_ok=True)  # its folder is what counts


class _Loaded:
    """The way of what was loaded; `accept` asks for each step in its order."""

    meant = None  # it stands in the payload, which is all that is copied before it is judged

    def __init__(self, places: Places, source: Source, signed: _Signed, look: Look, note: Note) -> None:
        self._places = places
        self._source = source
        self._signed = signed
        self._look = look
        self._note = note
        self._without: tuple[str, ...] = ()
        self.by = by_signature(signed.who, source.kind)
        self.asked: dict[str, str] = {}

    def bring(self) -> None:
        """Copy the payload, then all that this node must hold of it."""
        payload, node = self._payload()
        meet_machine(self._look, meant_of(payload.node(node)))
        may_follow(self._places, payload.store, versions_of(payload), node)
        if payload.models:
            refuse_over(self._places, payload.models.current, payload.blobs, payload.models.budget_bytes)
        blobs = payload.blobs_of(payload.node(node))
        self._tell_secrets(payload, node)
        if wanted := want(self._places, blobs):
            left = sum(int(item["size"]) - int(item["have_bytes"]) for item in wanted)
            self._note(f"{len(wanted)} of {len(blobs)} blobs to copy, {left / 1e6:.1f} MB")
        Copying(self._places, self._source, self._note).bring(wanted)
        self._without = tuple(other.name for other in payload.nodes if other.name != node)

    def keep(self) -> None:
        """Never take anything older from now on."""
        note_heard(self._places, self._signed.offer, trust_here(self._look))

    def accept(self, slots: Slots, offer: Envelope) -> None:
        """Accept it; a node that follows waits until its lead has decided for it."""
        if offer.lead:
            kept.keep(self._places, offer, self._signed.evidence)
        else:
            slots.accept(replace(offer, without=self._without), self._signed.evidence)

    def taken(self) -> None:
        """Nothing comes beside it."""

    def note(self, sentence: str) -> None:
        """Tell the person at the rack."""
        self._note(sentence)

    def beat(self) -> None:
        """Nobody waits on a line."""

    def _payload(self) -> tuple[Payload, str]:
        part = self._signed.offer.payload
        if part.size > _PAYLOAD_BYTES:
            raise Refused(
                f"the payload {short(part.digest)} is larger than a payload is: {part.size} bytes", hint=_MATCHING
            )
        Copying(self._places, self._source, self._note).bring(want(self._places, {part.digest: part.size}))
        node = _mine(Slots(self._places)).node
        try:
            payload = decode(self._places.blob(part.digest).read_bytes())
            payload.node(node)
        except (ValueError, RecursionError) as error:
            raise Refused(f"the payload cannot be read here: {error!s:.200}", hint=_MATCHING) from error
        except KeyError as error:
            raise Refused(f"the payload has no node {node}", hint="is this node in the inventory still?") from error
        if any(not is_digest(digest) or size < 0 for digest, size in payload.blobs.items()):
            raise Refused("the payload names content that has no digest and size", hint=_MATCHING)
        return payload, node

    def _tell_secrets(self, payload: Payload, node: str) -> None:
        if node != payload.lead.name or not payload.secrets:
            return
        values = kept_values.newest(self._look)
        lacks = [f"{secret.name} {key}" for secret in payload.secrets for key in lacking(secret, values)]
        if lacks:
            self._note(
                f"no value here for {', '.join(lacks)}: no stick carries secrets, and what needs them will not be "
                f"ready; edgectl deploy {payload.store} brings them"
            )
