"""Telling upward, once: the newest beat, then what else waits, as far as a minute of a thin line carries it.

Owns: the order, what counts as arrived, and that nothing is taken from the queue before it has. Must not know HTTP.
Whoever calls says when (watch/upward.py, or a person); two at once are one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from edgectl.node.converge.lock import Lock, holder
from edgectl.node.io.places import Places
from edgectl.node.outbox import told as notes
from edgectl.node.outbox.declared import Declared, declared
from edgectl.node.outbox.post import Answer, Poster, Unsent
from edgectl.node.outbox.queue import BEAT, JOURNAL, KINDS, VERDICT, Entry, Queue, settled
from edgectl.node.outbox.report import said
from edgectl.node.outbox.told import Told
from edgectl.wire import event, upward

DRAIN_SECONDS = 45.0  # after them, no entry is begun
POST_SECONDS = 20.0  # for one entry, and
SLOWEST = 1000.0  # bytes a second that a line carries at least: more seconds for a large one
JOURNAL_BYTES = 64 << 10  # a minute, on the average
# Said of one entry, and for good: it is not told again. Whatever else stands against one (a token that is refused, an
# address that is wrong) stands against all of them, and they wait.
_UNWANTED = frozenset({400, 409, 410, 413, 415, 422})
_TYPES = {BEAT: "text/plain; charset=us-ascii", VERDICT: "application/json", JOURNAL: "application/x-ndjson"}


def drain(
    places: Places, *, monotonic: Callable[[], float] = time.monotonic, poster: Callable[[str, str], Poster] = Poster
) -> Told | None:
    """Tell what waits; returns what it has come to, None where there is no uplink or another one tells already."""
    way = declared(places)
    if way is None:
        return None
    lock = Lock(places.run / "uplink", {"pid": os.getpid()})
    if not lock.acquire():
        return None
    with lock:
        drained = _Drain(places, way, monotonic)
        if way.wrong:
            drained.fail(way.wrong)
        else:
            drained.run(poster(way.uplink.url, way.token))
        notes.keep(places, drained.told)
        return drained.told


class _Drain:
    def __init__(self, places: Places, way: Declared, monotonic: Callable[[], float]) -> None:
        self._places = places
        self._way = way
        self._monotonic = monotonic
        self._deadline = monotonic() + DRAIN_SECONDS
        self._queue = Queue(places.outbox, way.uplink.budget_bytes)
        self._heard = False  # whether the other side has taken anything, this time
        found = notes.read(places)
        self.told = replace(found, owed=max(found.owed - JOURNAL_BYTES, 0))

    def run(self, poster: Poster) -> None:
        found = settled(self._places.outbox)
        acked = set(self.told.acked)
        self._queue.drop(entry for entry in found if entry.id in acked)  # it stood last when it arrived, and no more
        self.told = replace(self.told, acked=tuple(entry.id for entry in found if entry.id in acked))
        waiting = [entry for entry in found if entry.id not in acked]
        if not waiting:
            return
        try:
            for entry in self._ordered(found, waiting):
                if self._monotonic() > self._deadline or not self._tell(poster, entry):
                    return
        finally:
            poster.close()

    def _ordered(self, found: list[Entry], waiting: list[Entry]) -> list[Entry]:
        """Put the newest beat first, also when it has arrived before: an answer to it is about the address."""
        newest = [entry for entry in found if entry.kind == BEAT][-1:]
        thin = holder(self._places.run / "sending") is not None  # a deploy needs the line
        rest = [entry for kind in KINDS for entry in waiting if entry.kind == kind and entry not in newest]
        return newest if thin and newest else newest + rest

    def _tell(self, poster: Poster, entry: Entry) -> bool:
        """Tell one entry; False when nothing more is to be told now."""
        if entry.kind == JOURNAL and self.told.owed >= JOURNAL_BYTES:
            return False
        body = entry.read()
        if not _is_whole(entry, body):
            self._settle(entry)
            return True
        try:
            answer = poster.post(body, self._headers(entry), seconds=POST_SECONDS + len(body) / SLOWEST)
        except Unsent as error:
            self.fail(str(error))
            return False
        if entry.kind == JOURNAL:
            self.told = replace(self.told, owed=self.told.owed + len(body))
        return self._judge(entry, answer, poster.where)

    def _judge(self, entry: Entry, answer: Answer, where: str) -> bool:
        if 200 <= answer.status < 300:  # noqa: PLR2004 - RFC 9110, 15.3
            self._heard = True
            self.told = self.told.well(time=event.now())
            self._settle(entry)
            return True
        sentence = f"{where} answered {answer.status}"
        if answer.status in _UNWANTED and self._heard:
            refusal = f"{sentence} to {entry.kind} {entry.id}: it was dropped"
            self.told = replace(self.told, refused=self.told.refused + 1, refusal=refusal)
            self._settle(entry)
            return True
        self.fail(sentence, after=answer.after)
        return False

    def fail(self, why: str, *, after: float = 0.0) -> None:
        """Note a try in vain."""
        self.told = self.told.failed(why, now=self._monotonic(), time=event.now(), after=after)

    def _settle(self, entry: Entry) -> None:
        """Let go of what has arrived, or is nothing; where the count stands on it, note that."""
        self._queue.drop([entry])
        if entry.path.exists() and entry.id not in self.told.acked:
            self.told = replace(self.told, acked=(*self.told.acked, entry.id))
        with suppress(OSError):
            notes.keep(self._places, self.told)

    def _headers(self, entry: Entry) -> dict[str, str]:
        packed = {"Content-Encoding": "gzip"} if entry.kind == JOURNAL else {}
        return {
            "Content-Type": _TYPES[entry.kind],
            upward.ID: f"{self._way.store}/{self._way.node}/{entry.id}",
            upward.STORE: self._way.store,
            upward.NODE: self._way.node,
            upward.KIND: entry.kind,
            **packed,
        }


def _is_whole(entry: Entry, body: bytes) -> bool:
    """Tell whether there is anything to tell: what a power cut has left of a file is nothing."""
    if entry.kind == BEAT:
        return said(entry) is not None
    if entry.kind == VERDICT:
        try:
            return isinstance(json.loads(body), dict)
        except ValueError:
            return False
    return bool(body)
