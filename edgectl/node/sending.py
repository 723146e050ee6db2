"""One sender at a time: its lock, the run that it meets, heals that step aside for it, and the run that it starts.

Owns: /run/edgectl/sending, and the hand-over to `edgectl-converge.service`. A sender holds its lock from the first
question until the engine has claimed the run, or its backup is put back. Must not know how content comes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.reboot.record import awaited, is_going_down
from edgectl.node.request import DEPLOY, HEAL, YIELD
from edgectl.node.units.install import CONVERGE
from edgectl.wire import event
from edgectl.wire.document import from_json, to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Locked, StepFailed

_STEP_ASIDE_SECONDS = 900.0  # an apply of a heal is never interrupted; Helm's own deadline is 330 s
_BEAT_SECONDS = 10.0
_CLAIM_SECONDS = 30.0
_START_AGAIN_SECONDS = 2.0
_NAMES_WITHIN = 20


def hold(places: Places, offer: Envelope, *, ahead: bool = False) -> Lock:
    """Take the lock of senders. A sender that lost its link may take it over from itself, for the same payload.

    What is sent `ahead` of any deploy makes way for whoever deploys: what has come is kept.
    """
    who = {"sender": to_json(offer.sender), "payload": offer.payload, "ahead": ahead}
    note = {**who, "pid": os.getpid(), "since": time.strftime("%H:%M:%S UTC", time.gmtime())}
    sending = Lock(places.run / "sending", note)
    deadline = time.monotonic() + 10
    while not sending.acquire():
        found = holder(places.run / "sending") or {}
        gives_way = {key: found.get(key) for key in who} == who or (found.get("ahead") is True and not ahead)
        if gives_way and isinstance(found.get("pid"), int):
            with suppress(ProcessLookupError):
                os.kill(found["pid"], signal.SIGKILL)
        elif found.get("sender") or time.monotonic() > deadline:
            other = found.get("sender") or {"user": "someone", "host": "unknown"}
            raise Locked(
                f"{other['user']}@{other['host']} sends to this store since {found.get('since', '')}",
                hint="wait until it has ended, then run the same command again",
            )
        if time.monotonic() > deadline:
            raise Locked("an earlier session of yours still holds this store", hint="run the same command again")
        time.sleep(0.1)
    with suppress(OSError):  # a lock that is had is returned
        (places.run / YIELD).unlink()  # of a sender that was killed
    return sending


def meet(places: Places, offer: Envelope) -> str:
    """Return the run to attach to when this very deploy runs already; Locked when another one does."""
    found = holder(places.run)
    if not found:
        return _restarts(places, offer)
    if found.get("kind") != DEPLOY or has_ended(places, str(found.get("run", ""))):
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


class Aside:
    """Asks heals to stop between two steps, from the question until the deploy's own run has begun."""

    def __init__(self, places: Places, note: Callable[[str], object], beat: Callable[[], object]) -> None:
        self._places = places
        self._note = note
        self._beat = beat
        self._mark = places.run / YIELD

    def __enter__(self) -> Aside:
        self._places.run.mkdir(parents=True, exist_ok=True)
        self._mark.write_text("")
        return self

    def __exit__(self, *_: object) -> None:
        self._mark.unlink(missing_ok=True)

    def wait(self, offer: Envelope) -> str:
        """Wait until no engine runs; returns the run of this very deploy if it is met.

        It is met when the link broke just after the engine was started and before the operator knew.
        """
        began = heard = time.monotonic()
        told = False
        while _active(self._places):
            if met := meet(self._places, offer):
                return met
            now = time.monotonic()
            if now - heard >= _BEAT_SECONDS:  # whoever waits breaks off when nothing is said for long
                heard = now
                self._beat()
            if now > began + _STEP_ASIDE_SECONDS:
                raise Locked(f"a heal does not end for {_STEP_ASIDE_SECONDS:.0f} s", hint="edgectl journal --follow")
            if not told and (holder(self._places.run) or {}).get("kind") == HEAL:
                self._note(f"a {HEAL} steps aside")
                told = True
            time.sleep(0.1)
        return ""


def start(places: Places, run: str) -> None:
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


def _restarts(places: Places, offer: Envelope) -> str:
    """Return the run to attach to that goes on when its machine has restarted; Locked for anybody else meanwhile."""
    found = awaited(places, Look(places))
    if found is None:
        return ""
    request, reason = found.request, found.reasons[-1]
    if request.kind == DEPLOY:
        if (request.sender, found.payload) == (offer.sender, offer.payload):
            return request.run
        raise Locked(
            f"{request.sender.user}@{request.sender.host} deploys {offer.store} since {request.since}; "
            f"{offer.node} restarts ({reason})",
            hint=f"watch it: edgectl journal {offer.store} --follow; then run the same command again",
        )
    if is_going_down(places):
        raise Locked(f"{offer.node} restarts ({reason})", hint="run the same command again in some minutes")
    return ""


def _active(places: Places) -> bool:
    """Tell whether the converge unit is in a run; a start of an active unit would be swallowed."""
    if holder(places.run) is not None:
        return True
    return Hands(places).unit(CONVERGE).get("ActiveState") in {"active", "activating", "deactivating"}


def has_ended(places: Places, run: str) -> bool:
    """Tell whether a run has said its verdict: it is then about to let go of the store, and nobody's to attach to."""
    path = journal.find(run, *places.journals)
    events = journal.read(path, 0)[0] if path else []
    return bool(events) and events[-1].get("kind") == event.VERDICT
