"""The watchdog's eye on the chain: every half a minute, in a thread of its own, which holds up no watching of GPUs.

Owns: the memory of the chain's links (it alone writes it) and who hears of a new verdict: the journal, the outbox, the
Node's condition and Events, metrics. Changes nothing in the store. Must not know how the chain is asked.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.gpu.told import tell
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.outbox.report import report_chain
from edgectl.node.vision.chain import memory as memories
from edgectl.node.vision.chain import metrics
from edgectl.node.vision.chain.declared import Declared, of
from edgectl.node.vision.chain.looked import looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.wire import event
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.document import to_json
from edgectl.wire.verdict import DEGRADED, READY

KIND = "chain"
EVERY_SECONDS = 30.0
AGAIN_SECONDS = 5.0  # what may be a blip has so long
CONDITION = "edgectl.dev/ChainReady"
_REASONS = {READY: "ChainReady", DEGRADED: "ChainDegraded"}
Looking = Callable[[Hands, Declared, Memory], tuple[ChainLook, Memory]]


class ChainWatch:
    """One node's. `tick` begins a look when one is due, and does not wait for it."""

    def __init__(
        self,
        places: Places,
        *,
        hands: Callable[[], Hands] | None = None,
        looking: Looking | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._places = places
        self._hands = hands or (lambda: Hands(places))
        self._looking = looking or (lambda read, what, kept: looked(read, what, kept, again_seconds=AGAIN_SECONDS))
        self._monotonic, self._wall = monotonic, wall
        self._next = float("-inf")
        self._known: tuple[Path, Path] | None = None
        self._declared: Declared | None = None
        self._thread: Thread | None = None

    def tick(self) -> None:
        """Begin a look when it is time."""
        now = self._monotonic()
        if now < self._next or (self._thread is not None and self._thread.is_alive()):
            return
        self._next = now + EVERY_SECONDS
        declared = self._renewed()
        if declared is not None:
            self._thread = Thread(target=self.look, args=(declared,), daemon=True, name="chain")
            self._thread.start()

    def look(self, declared: Declared) -> None:
        """Look once, remember it, and say what is new."""
        hands = self._hands()
        kept = memories.read(self._places, hands.boot_id())
        with suppress(LookFailed):  # an API that does not answer is k3s's own matter; what was believed stands
            seen, new = self._looking(hands, declared, kept)
            told = _said(seen)
            if told != kept.told and not self._told(hands, seen, first=not kept.told):
                told = kept.told  # somebody holds the store: the next look tells
            memories.keep(self._places, replace(new, told=told))
            reason = _REASONS.get(seen.word, "ChainNotReady")
            tell(hands, declared.node, seen.word in _REASONS, reason, _steady(seen), kind=CONDITION, clock=self._wall)
            metrics.keep(hands, seen, now=self._wall())

    def _told(self, hands: Hands, seen: ChainLook, *, first: bool) -> bool:
        """Journal a new verdict, and queue it to be told upward; says whether it could be.

        The first verdict of a boot is news only where it is bad: a store that comes back well has said so already.
        """
        if first and seen.word == READY:
            return True
        run = secrets.token_hex(4)
        lock = Lock(self._places.run, {"kind": KIND, "run": run, "since": event.now(), "pid": os.getpid()})
        if not lock.acquire():
            return False
        with lock:
            journal = Journal(self._places.journal, run, KIND, spare=self._places.journals[1])
            try:
                journal.write(event.RUN, reason=KIND, data={"boot": hands.boot_id()})
                for link in seen.broken:
                    reason = f"{link.word} since {link.when}: {link.reason}"
                    journal.write(event.STEP, step=KIND, title=link.name, word=event.WAITING, reason=reason)
                data = {"word": seen.word, "exit": seen.exit, "chain": to_json(seen)}
                journal.write(event.VERDICT, word=seen.word, reason=seen.reason, data=data)
            finally:
                journal.close()
            report_chain(self._places, hands, run, seen, journal.path)
        return True

    def _renewed(self) -> Declared | None:
        """Return what is declared now; what cannot be read is not watched."""
        slots = Slots(self._places)
        slot = slots.current or slots.candidate
        if slot is None:
            return None
        apps = slots.apps_of(slot)
        if self._known != (slot.folder, apps.folder):
            try:
                self._declared = of(*load(self._places, slot, apps))
            except (OSError, ValueError):
                return None
            self._known = (slot.folder, apps.folder)
        return self._declared


def _said(seen: ChainLook) -> str:
    """Return what makes a verdict another one: its word, and the links that are not well. Sentences may vary."""
    return f"{seen.word}: {', '.join(f'{link.name} {link.word}' for link in seen.broken)}"


def _steady(seen: ChainLook) -> str:
    """Return a sentence without what differs from look to look."""
    return "every link is well" if seen.word == READY else seen.reason
