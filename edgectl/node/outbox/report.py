"""What a run leaves to be told: its verdict and its journal where they are news, and always a beat.

Owns: what is news. A run must end the same with an outbox that cannot be written: nothing is raised from here, and
nothing that a run decides is read from there.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgectl.node.converge.lock import Lock
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.gpu.proof import read as proof
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.k3s.expiry import leaves
from edgectl.node.outbox.held import held
from edgectl.node.outbox.queue import BEAT, JOURNAL, VERDICT, Entry, Queue
from edgectl.node.request import HEAL
from edgectl.wire import event
from edgectl.wire.beat import Beat, decode, encode
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.document import canonical
from edgectl.wire.errors import Exit
from edgectl.wire.payload import Uplink
from edgectl.wire.verdict import INTERRUPTED, Verdict

PAUSED, CHAIN = "paused", "chain"
_MOST_REASON = 300
_ENGINE = "engine"  # what is wrong where no step could even be looked at
_FAULTS = (OSError, ValueError, LookFailed)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended: what it said at its end, how the store stands since, and where its journal lies."""

    run: str
    kind: str
    said: dict[str, Any]
    verdict: Verdict
    stands: Verdict
    journal: Path

    @property
    def is_news(self) -> bool:
        """Tell whether it is more than another look at the same."""
        tried = self.kind != HEAL and self.verdict.exit not in {Exit.OK, Exit.DEGRADED}
        return tried or bool(self.verdict.changed or self.said.get("promoted") or self.said.get("reboots"))


def report(places: Places, look: Look, ended: Ended) -> None:
    """Queue what a run has come to. Its lock is held."""
    with suppress(*_FAULTS):  # the journal has it, too; the next run tells how the store stands
        _Report(places, look).ended(ended)


def report_deed(places: Places, look: Look, ended: Ended) -> None:
    """Queue what was done between two runs, as a run's end; how the store stands, the next run tells."""
    with suppress(*_FAULTS):
        _Report(places, look).news(ended)


def report_pause(places: Places) -> None:
    """Queue that the store heals nothing now, unless somebody holds it: then that one tells."""
    with suppress(*_FAULTS):
        lock = Lock(places.run, {"kind": PAUSED, "run": "", "since": event.now(), "pid": os.getpid()})
        if lock.acquire():
            with lock:
                _Report(places, Look(places)).beat(PAUSED, "pause")


def report_chain(places: Places, look: Look, run: str, seen: ChainLook, journal: Path) -> None:
    """Queue that the chain has another verdict. The lock is held; the beat is left to runs of the engine."""
    with suppress(*_FAULTS):
        _Report(places, look).chain(run, seen, journal)


class _Report:
    def __init__(self, places: Places, look: Look) -> None:
        self._places = places
        self._look = look
        self._slots = Slots(places)
        slot = self._slots.current or self._slots.candidate
        if slot is None:
            raise ValueError("this node is of no store yet")
        self._envelope = slot.envelope
        self._uplink, self._gpus = Uplink(""), 0
        with suppress(OSError, ValueError):  # a beat says that, too
            payload, node = load(places, slot, self._slots.apps_of(slot))
            self._uplink = payload.uplink or self._uplink
            self._gpus = node.gpu.count if node.gpu else 0
        self._queue = Queue(places.outbox, self._uplink.budget_bytes)

    def ended(self, ended: Ended) -> None:
        verdict, stands = ended.verdict, ended.stands
        if ended.kind == HEAL and verdict.word == INTERRUPTED:
            return  # it has stepped aside, and whoever comes tells
        last = self._last()
        if ended.is_news or last is None or _says_other(last, stands):
            self.news(ended)
        if stands.word != INTERRUPTED:
            self.beat(stands.word, _why(stands))

    def chain(self, run: str, seen: ChainLook, journal: Path) -> None:
        told = {"word": seen.word, "exit": seen.exit, "first": seen.first}
        reason = seen.reason[:_MOST_REASON]
        self._queue.put(VERDICT, lambda box, n: self._about(told, run, CHAIN, reason, box=box, n=n), run=run)
        self._queue.put_file(JOURNAL, journal, run=run)

    def news(self, ended: Ended) -> None:
        """Put a run's verdict and its journal into the queue."""
        with suppress(*_FAULTS):  # one that is no file any more keeps no beat from being told
            self._queue.put(VERDICT, lambda box, n: self._verdict(ended, box, n), run=ended.run)
        with suppress(*_FAULTS):
            self._queue.put_file(JOURNAL, ended.journal, run=ended.run)

    def beat(self, word: str, why: str) -> None:
        """Put the beat behind all else, and take the one before it away where that says nothing of its own."""
        up = self._look.up_seconds()
        candidate, current = self._slots.candidate, self._slots.current
        beat = Beat(
            store=self._envelope.store,
            node=self._envelope.node,
            box="",
            n=0,
            boot=self._look.boot_id()[:6],
            runs=current.envelope.sequence if current else 0,
            next=candidate.envelope.sequence if candidate else 0,
            word=word,
            held=int(held(self._places, word, up)),
            up=int(up),
            at=int(time.time()),
            gpu=min(len(proof(self._look).proven()), self._gpus),
            gpus=self._gpus,
            disk=_used_percent(self._places.state),
            why=why,
            cert=_certificate_days(self._look),
        )
        self._queue.put(BEAT, lambda box, n: encode(replace(beat, box=box, n=n)))
        self._queue.drop(thinned(self._queue.entries()))

    def _last(self) -> Beat | None:
        beats = [entry for entry in self._queue.entries() if entry.kind == BEAT]
        return said(beats[-1]) if beats else None

    def _verdict(self, ended: Ended, box: str, n: int) -> bytes:
        told = {key: value for key, value in ended.said.items() if key != "evidence"}  # that is in the journal
        run, kind, reason = ended.run, ended.kind, ended.verdict.reason[:_MOST_REASON]
        return self._about(told, run, kind, reason, box=box, n=n)

    def _about(self, told: dict[str, Any], run: str, kind: str, reason: str, *, box: str, n: int) -> bytes:
        about = {
            "store": self._envelope.store,
            "node": self._envelope.node,
            "box": box,
            "n": n,
            "run": run,
            "kind": kind,
            "time": event.now(),
            "reason": reason,
        }
        return canonical({**told, **about}) + b"\n"


def thinned(found: list[Entry]) -> list[Entry]:
    """Return the beat that may go: the last but one, where the one before it says the same of the store."""
    beats = [entry for entry in found if entry.kind == BEAT][-3:]
    if len(beats) < 3:  # noqa: PLR2004 - the first of what it says, itself, and the newest
        return []
    first, middle = said(beats[0]), said(beats[1])
    return [beats[1]] if middle is None or (first is not None and middle.says_as(first)) else []


def said(entry: Entry) -> Beat | None:
    """Return what a beat says; None when its bytes are no beat."""
    try:
        return decode(entry.read())
    except ValueError:
        return None


def _says_other(last: Beat, stands: Verdict) -> bool:
    """Tell whether a beat would say something else now, as far as it has room for it."""
    return decode(encode(replace(last, word=stands.word, why=_why(stands)))) != last


def _why(verdict: Verdict) -> str:
    if verdict.first_wrong is not None:
        return verdict.first_wrong.id
    less = next((step.id for step in verdict.steps if step.degraded or step.absent), "")
    return less or ("" if verdict.steps else _ENGINE)


def _certificate_days(look: Look) -> int:
    """Return for how many days all of k3s's certificates are good; 0 also after that, -1 where none is known."""
    ends: dict[str, float] = {}
    with suppress(*_FAULTS):
        ends = leaves(look)
    return max(int((min(ends.values()) - time.time()) // 86400), 0) if ends else -1


def _used_percent(path: Path) -> int:
    """Return how full a disk is, as df says it."""
    found = os.statvfs(path)
    used = found.f_blocks - found.f_bfree
    return -(-100 * used // max(used + found.f_bavail, 1))
