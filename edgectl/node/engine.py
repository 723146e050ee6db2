"""One run of the engine on this node: what `edgectl-converge.service` starts.

Owns: which slot is converged, what happens to it at the end, and the run's journal. A request (from a deploy) lies
on tmpfs; without one it is a heal. Must not know how steps work.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgectl.node import pause
from edgectl.node.converge.journal import Journal
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.loop import Clock, converge
from edgectl.node.converge.protocol import Gate, Observation, Status
from edgectl.node.converge.slots import MOST_TRIES, Slot, Slots
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.recipe import recipe
from edgectl.node.sweep import sweep
from edgectl.wire import event
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import Exit
from edgectl.wire.payload import Node, Payload, decode
from edgectl.wire.verdict import UNKNOWN, Verdict

DEPLOY = "deploy"
HEAL = "heal"
_LOCK_TRIES = 50
_SYNC_SECONDS = 300.0


@dataclass(frozen=True)
class Request:
    """What a deploy asks of the next run."""

    run: str
    kind: str
    sender: Sender
    since: str


@dataclass(frozen=True)
class _Saying:
    """Says every event to the journal, and what was done to the unit's log."""

    journal: Journal

    def __call__(self, word: str, step: Gate[Any], seen: Observation) -> None:
        telling = word not in {event.OK, event.BLOCKED}
        self.journal.write(
            event.STEP,
            step=step.id,
            title=step.title,
            word=word,
            reason=seen.reason,
            differences=seen.differences if telling else (),
            evidence=seen.evidence if seen.status in {Status.FAILED, Status.UNKNOWN} else (),
        )
        if telling and word != event.WAITING:
            print(f"{word} {step.id}: {seen.reason}", flush=True)  # noqa: T201 - the unit's log, for journalctl


def run(places: Places) -> int:
    """Converge the candidate, else what runs. Returns the exit code of the verdict."""
    request = take_request(places) or Request(secrets.token_hex(4), HEAL, Sender("edgectl", os.uname().nodename), "")
    paused = pause.read(places)
    if paused and request.kind == HEAL:
        print(paused.sentence(), flush=True)  # noqa: T201 - the unit's log
        return int(Exit.OK)
    slots = Slots(places)
    slot = slots.candidate or slots.current
    if slot is None:
        print("nothing has been deployed to this node yet", flush=True)  # noqa: T201 - the unit's log
        return int(Exit.OK)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lock = Lock(places.run, {**to_json(request), "since": since, "payload": slot.envelope.payload, "pid": os.getpid()})
    for _ in range(_LOCK_TRIES):  # whoever looks who holds it takes it for a moment
        if lock.acquire():
            break
        time.sleep(0.1)
    else:
        print("another run holds this node", file=sys.stderr, flush=True)  # noqa: T201 - the unit's log
        return int(Exit.LOCKED)
    with lock:
        journal = Journal(places.journal, request.run, request.kind)
        try:
            return _Run(places, slots, request, lock, journal).whole(slot)
        finally:
            journal.close()


class _Run:
    def __init__(self, places: Places, slots: Slots, request: Request, lock: Lock, journal: Journal) -> None:
        self.places = places
        self.slots = slots
        self.request = request
        self.journal = journal
        self.look = Look(places, keep_fds=(lock.fd,))
        self.hands = Hands(places, keep_fds=(lock.fd,))
        self.say = _Saying(journal)

    def whole(self, slot: Slot) -> int:
        envelope = slot.envelope
        self.journal.write(
            event.RUN,
            reason=self.request.kind,
            data={
                "payload": envelope.payload,
                "sequence": envelope.sequence,
                "sender": to_json(self.request.sender),
                "boot": self.look.boot_id(),
            },
        )
        candidate, before = self.slots.candidate, self.slots.current
        is_candidate = candidate is not None and candidate.folder == slot.folder
        if is_candidate and before is not None and slot.tries > MOST_TRIES:
            verdict = Verdict("unknown", int(Exit.FAILED), f"no verdict in {MOST_TRIES} attempts")
        else:
            verdict = self._converge(slot, fresh=is_candidate)
        promoted = is_candidate and verdict.exit in {Exit.OK, Exit.DEGRADED}
        returned: Verdict | None = None
        if promoted:
            self.slots.promote(slot)
            with suppress(OSError):  # room is nice to have; the next promotion tries again
                sweep(self.places)
        elif is_candidate and verdict.exit == Exit.INTERRUPTED:
            self.slots.forget_tries(slot)
        elif is_candidate and before is not None and _is_bad(verdict, slot):
            self.slots.reject(slot, reason=verdict.reason, time=_now(), run=self.request.run)
            self.journal.write(event.NOTE, reason=f"going back to sequence {before.envelope.sequence}")
            returned = self._converge(before, returning=True)
        self._end(slot, verdict, promoted=promoted, returned=returned)
        return verdict.exit

    def _converge(self, slot: Slot, *, fresh: bool = False, returning: bool = False) -> Verdict:
        try:
            payload, node = load(self.places, slot)
        except (OSError, ValueError) as error:
            reason = f"the payload of sequence {slot.envelope.sequence} cannot be read: {error}"
            return Verdict("unknown", int(Exit.FAILED), reason)
        clock = Clock(time.monotonic, time.sleep)
        verdict = converge(
            recipe(payload, node, fresh=fresh, returning=returning),
            self.look,
            self.hands,
            say=self.say,
            clock=clock,
            stop=self._asked_to_stop,
        )
        if verdict.changed:
            # "Done" may be said only when what k3s and containerd wrote has reached the disk: a power cut 45 s after
            # the first boot left most unpacked image files empty (measured).
            self.hands.change("sync", limit_seconds=_SYNC_SECONDS)
        return verdict

    def _asked_to_stop(self) -> str:
        if self.request.kind != HEAL:
            return ""
        if (self.places.run / "yield").exists() and holder(self.places.run / "sending") is not None:
            return "a deploy goes first"  # one that lives: the mark alone may be left by one that was killed
        paused = pause.read(self.places)
        return paused.sentence() if paused else ""

    def _end(self, slot: Slot, verdict: Verdict, *, promoted: bool, returned: Verdict | None) -> None:
        serving = self.slots.current
        first = verdict.first_wrong
        data = {
            "word": verdict.word,
            "exit": verdict.exit,
            "looked": len(verdict.steps),
            "changed": list(verdict.changed),
            "seconds": round(verdict.seconds, 3),
            "sequence": slot.envelope.sequence,
            "payload": slot.envelope.payload,
            "promoted": promoted,
            "serving": serving.envelope.sequence if serving else 0,
            "gate": first.id if first else "",
            "evidence": list(first.evidence) if first else [],
            "returned": None if returned is None else {"word": returned.word, "reason": returned.reason},
        }
        self.journal.write(event.VERDICT, word=verdict.word, reason=verdict.reason, data=data)
        print(f"{verdict.word}: {verdict.reason or 'as declared'}", flush=True)  # noqa: T201 - the unit's log


def _is_bad(verdict: Verdict, slot: Slot) -> bool:
    """Could not look is not looked and wrong: such a candidate is tried again, three times in all."""
    return verdict.word != UNKNOWN or slot.tries >= MOST_TRIES


def load(places: Places, slot: Slot) -> tuple[Payload, Node]:
    """Read a slot's payload and this node's part of it; OSError or ValueError when it cannot be."""
    payload = decode(places.blob(slot.envelope.payload).read_bytes())
    try:
        return payload, payload.node(slot.envelope.node)
    except KeyError as missing:
        raise ValueError(f"it has no node {missing}") from missing


def leave_request(places: Places, request: Request) -> None:
    """Ask the next run to be this one."""
    write_atomic(places.run / "request.json", canonical(to_json(request)))


def take_request(places: Places) -> Request | None:
    """Take what a deploy has asked for; whichever way the unit was started, the first run takes it."""
    taken = places.run / "request.taken"
    try:
        (places.run / "request.json").replace(taken)
        return from_json(Request, json.loads(taken.read_bytes()))
    except (OSError, ValueError):
        return None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
