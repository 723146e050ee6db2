"""A deploy arriving: judged, received, accepted as the candidate, started.

Owns: who may deploy when (exit 7 and 11), and the hand-over to `edgectl-converge.service`. The session that sends a
deploy holds a lock of its own from the first question until the engine has claimed the run.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from contextlib import suppress
from typing import Any

from edgectl.node import cancel, pause
from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slot, Slots
from edgectl.node.desired import is_one_way, load
from edgectl.node.foretell import foretell
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.k3s.admit import admit
from edgectl.node.receive import absent, take
from edgectl.node.request import DEPLOY, HEAL, YIELD, Request, leave
from edgectl.node.secrets.values import keep_values
from edgectl.node.units.install import CONVERGE, install
from edgectl.wire import event
from edgectl.wire.document import from_json, to_json
from edgectl.wire.envelope import Envelope, Sender, judge, judge_store, short
from edgectl.wire.errors import Locked, Refused, StepFailed
from edgectl.wire.frame import Frames
from edgectl.wire.payload import Node, decode

_STEP_ASIDE_SECONDS = 900.0  # an apply of a heal is never interrupted; Helm's own deadline is 330 s
_CLAIM_SECONDS = 30.0
_START_AGAIN_SECONDS = 2.0
_NAMES_WITHIN = 20


def deploy(places: Places, frames: Frames, frame: dict[str, Any]) -> tuple[str, int]:
    """Take one deploy from the link; returns (run id, sequence) of the run that was started or met.

    Raises Locked, Refused, NotReady, StepFailed.
    """
    offer = from_json(Envelope, frame["envelope"])
    slots = Slots(places)
    met = _meet(places, offer)
    if met:
        keep_values(places, offer, frame)
        return met, slots.sequence
    sending = _hold(places, offer)
    with sending:
        paused = pause.read(places)
        if paused:
            raise Locked(f"{offer.store} is {paused.sentence()}", hint=f"edgectl resume {offer.store}")
        _judge(slots, offer)
        take(places, frames, frame, foretell(places, offer))
        install(Hands(places))  # also when nothing is new: without its timers a store does not heal itself
        with _Aside(places, frames) as aside:
            if met := aside.wait(offer):
                keep_values(places, offer, frame)
                return met, slots.sequence
            _judge(slots, offer)  # again: only now does nobody else decide about slots
            newest = slots.candidate or slots.current
            _heard(slots, newest, offer)
            if newest is None or not _same(slots, newest, offer):
                admit(places, _check(places, slots, offer).k3s.images, lambda: frames.send("beat"))
            keep_values(places, offer, frame)  # first: whoever runs the candidate, after a power cut too, has them
            if newest is not None and _same(slots, newest, offer):
                slots.forget_tries(newest)
            else:
                slots.accept(offer)
            keep_join_token(places, frame)
            cancel.end(places)
            run = secrets.token_hex(4)
            leave(places, Request(run, DEPLOY, offer.sender, event.now()))
            _start(places, run)
        return run, slots.sequence


def stage(places: Places, frames: Frames, frame: dict[str, Any]) -> int:
    """Take the content of a deploy that will follow, and nothing more; returns the newest sequence taken here.

    Raises Locked, Refused, NotReady.
    """
    offer = from_json(Envelope, frame["envelope"])
    slots = Slots(places)
    belongs_to = slots.current or slots.candidate
    if belongs_to is not None:
        judge_store(offer, belongs_to.envelope.store)
    with _hold(places, offer):
        take(places, frames, frame)
    return slots.sequence


def _same(slots: Slots, accepted: Slot, offer: Envelope) -> bool:
    """Tell whether what is offered is accepted already, and not turned down in part.

    A follower takes the lead's sequences one by one: an older one of the same content may have been gone back from.
    """
    found = accepted.envelope
    if offer.lead and found.sequence != offer.sequence:
        return False
    same = (found.payload, found.runtime, found.node) == (offer.payload, offer.runtime, offer.node)
    return same and slots.apps_of(accepted).folder == accepted.folder


def _heard(slots: Slots, newest: Slot | None, offer: Envelope) -> None:
    """Let a person's deploy try again what was turned down here under this number; refuse anything else under it."""
    if not offer.lead or offer.sequence != slots.sequence or (newest and _same(slots, newest, offer)):
        return
    slot = next(slot for slot in slots.all() if slot.envelope.sequence == offer.sequence)
    if slot.envelope.payload != offer.payload:
        raise Refused(
            f"{offer.node} has taken something else as sequence {offer.sequence}",
            hint="is the lead's disk an old copy? deploy a change: its sequence is then past this node's",
        )
    slots.try_again(slot)


def _keeps_its_role(runs: Node, node: Node) -> None:
    if runs.role != node.role:
        raise Refused(
            f"{node.name} is its store's {runs.role}; k3s cannot make it the {node.role} in place",
            hint=f"declare role: {runs.role}, or install the node anew",
        )


def keep_join_token(places: Places, frame: dict[str, Any]) -> None:
    """Keep what this node joins its cluster with; it came over the link and stands in no payload."""
    token, look = str(frame.get("join_token", "")), Hands(places)
    had = look.text(places.join_token)
    if token and had != token + "\n":
        write_atomic(places.join_token, f"{token}\n".encode(), mode=0o600)
        if had is not None:  # another cluster than the one that k3s was started for: without its record it is restarted
            look.remove(places.k3s_started)


def _meet(places: Places, offer: Envelope) -> str:
    """Return the run to attach to when this very deploy runs already; Locked when another one does."""
    found = holder(places.run)
    if not found or found.get("kind") != DEPLOY or _has_ended(places, str(found.get("run", ""))):
        return ""
    sender = from_json(Sender, found.get("sender", {}))
    for _ in range(_NAMES_WITHIN):  # it says what it converges just after it has taken the lock
        if "payload" in found:
            break
        time.sleep(0.05)
        found = holder(places.run) or {"payload": ""}
    if sender == offer.sender and found.get("payload") == offer.payload:
        return str(found.get("run", ""))
    raise Locked(
        f"{sender.user}@{sender.host} deploys {offer.store} since {found.get('since')}",
        hint=f"watch it: edgectl journal {offer.store} --follow; then run the same command again",
    )


def _judge(slots: Slots, offer: Envelope) -> None:
    current = slots.current
    belongs_to = current or slots.candidate
    judge(
        offer,
        store=belongs_to.envelope.store if belongs_to else "",
        current=current.envelope.payload if current else "",
        sequence=slots.sequence,
    )


def _has_ended(places: Places, run: str) -> bool:
    """Tell whether a run has said its verdict: it is then about to let go of the store, and nobody's to attach to."""
    path = journal.find(run, *places.journals)
    events = journal.read(path, 0)[0] if path else []
    return bool(events) and events[-1].get("kind") == event.VERDICT


def _hold(places: Places, offer: Envelope) -> Lock:
    """Take the lock of senders. A sender that lost its link may take it over from itself, for the same payload."""
    who = {"sender": to_json(offer.sender), "payload": offer.payload}
    note = {**who, "pid": os.getpid(), "since": time.strftime("%H:%M:%S UTC", time.gmtime())}
    sending = Lock(places.run / "sending", note)
    deadline = time.monotonic() + 10
    while not sending.acquire():
        found = holder(places.run / "sending") or {}
        if {key: found.get(key) for key in who} == who and isinstance(found.get("pid"), int):
            with suppress(ProcessLookupError):
                os.kill(found["pid"], signal.SIGKILL)
        elif found.get("sender") or time.monotonic() > deadline:
            other = found.get("sender") or {"user": "someone", "host": "unknown"}
            raise Locked(
                f"{other['user']}@{other['host']} sends a deploy to this store since {found.get('since', '')}",
                hint="wait until it has ended, then run the same command again",
            )
        if time.monotonic() > deadline:
            raise Locked("an earlier session of yours still holds this store", hint="run the same command again")
        time.sleep(0.1)
    return sending


def _check(places: Places, slots: Slots, offer: Envelope) -> Node:
    """Return what this node should be; Refused when it cannot become that."""
    try:
        payload = decode(places.blob(offer.payload).read_bytes())
        node = payload.node(offer.node)
    except (OSError, ValueError) as error:
        raise Refused(f"the payload cannot be read here: {error}", hint="deploy with a matching edgectl") from error
    except KeyError as error:
        raise Refused(f"the payload has no node {offer.node}") from error
    if payload.store != offer.store:
        raise Refused(f"the payload is for {payload.store}, the envelope for {offer.store}")
    if (node.name == payload.lead.name) == bool(offer.lead):
        raise Refused(
            f"{offer.store} is led by {payload.lead.name}: {offer.node} takes "
            + ("nobody else's lead" if offer.lead else "only what that node has taken"),
            hint=f"edgectl deploy {offer.store} asks both",
        )
    if missing := absent(places, payload.blobs_of(node)):
        raise Refused(
            f"{len(missing)} of {len(payload.blobs)} blobs of payload {short(offer.payload)} are not on this node",
            hint="deploy the commit that it came from; that sends them",
        )
    if not (places.runtime(offer.runtime) / "__main__.py").is_file():
        raise Refused(f"the engine {short(offer.runtime)} is not on this node", hint="deploy with it; that sends it")
    current = slots.current
    if current is not None:
        with suppress(OSError, ValueError):  # what runs cannot be read: a deploy is the remedy
            running, runs = load(places, current)
            _keeps_its_role(runs, node)
            if is_one_way(payload, running):
                raise Refused(
                    f"{offer.store} runs {runs.k3s.version}; a k3s minor version cannot go back "
                    f"to {payload.node(offer.node).k3s.version}",
                    hint="declare the k3s minor version that runs, or a newer one",
                )
    return node


class _Aside:
    """Asks heals to stop between two steps, from the question until the deploy's own run has begun."""

    def __init__(self, places: Places, frames: Frames) -> None:
        self._places = places
        self._frames = frames
        self._mark = places.run / YIELD

    def __enter__(self) -> _Aside:
        self._places.run.mkdir(parents=True, exist_ok=True)
        self._mark.write_text("")
        return self

    def __exit__(self, *_: object) -> None:
        self._mark.unlink(missing_ok=True)

    def wait(self, offer: Envelope) -> str:
        """Wait until no engine runs; returns the run of this very deploy if it is met.

        It is met when the link broke just after the engine was started and before the operator knew.
        """
        deadline = time.monotonic() + _STEP_ASIDE_SECONDS
        told = False
        while _active(self._places):
            if met := _meet(self._places, offer):
                return met
            if time.monotonic() > deadline:
                raise Locked(f"a heal does not end for {_STEP_ASIDE_SECONDS:.0f} s", hint="edgectl journal --follow")
            if not told and (holder(self._places.run) or {}).get("kind") == HEAL:
                self._frames.send("note", reason=f"a {HEAL} steps aside")
                told = True
            time.sleep(0.1)
        return ""


def _active(places: Places) -> bool:
    """Tell whether the converge unit is in a run; a start of an active unit would be swallowed."""
    if holder(places.run) is not None:
        return True
    return Hands(places).unit(CONVERGE).get("ActiveState") in {"active", "activating", "deactivating"}


def _start(places: Places, run: str) -> None:
    """Start the engine until it has begun this run: a timer's run may have come first, and steps aside."""
    hands = Hands(places)
    deadline = time.monotonic() + _CLAIM_SECONDS
    again = 0.0
    while journal.find(run, *places.journals) is None:
        now = time.monotonic()
        if now > deadline:
            log = hands.run("journalctl", "-u", CONVERGE, "-n", "20", "--no-pager", "-o", "cat")
            raise StepFailed("the engine did not begin its run", details=log.evidence(), hint="edgectl journal STORE")
        if now >= again:
            ran = hands.change("systemctl", "start", "--no-block", CONVERGE, limit_seconds=30)
            if not ran.ok:
                raise StepFailed(f"the engine could not be started: {ran.last_words}", details=ran.evidence())
            again = now + _START_AGAIN_SECONDS
        time.sleep(0.01)
