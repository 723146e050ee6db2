"""The watchdog's loop: look every few seconds; where a remedy is due, take the store's lock, do it, journal it.

Owns: when it looks, whom it gives way to (a pause, a deploy, a run of the engine), its memory on tmpfs. It ends when
another engine runs the store, so that systemd starts that one's; it changes nothing that no lock protects.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.protocol import LookFailed, Status
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.gpu import metrics
from edgectl.node.gpu.driver import driver_of
from edgectl.node.gpu.looked import looked
from edgectl.node.gpu.proven import Proven
from edgectl.node.gpu.told import happened, tell
from edgectl.node.io.api import Denied
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places
from edgectl.node.request import deploy_comes
from edgectl.node.rest import rest
from edgectl.node.watch.backups import Backups
from edgectl.node.watch.chain import ChainWatch
from edgectl.node.watch.deeds import WITHDRAWN, do
from edgectl.node.watch.facts import Facts, Watched, look
from edgectl.node.watch.ground import Ground
from edgectl.node.watch.ladder import Deed, Memory, climb
from edgectl.node.watch.rollouts import Rollouts
from edgectl.node.watch.upward import Upward
from edgectl.wire import event
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.errors import Exit

KIND = "watchdog"
EVERY_SECONDS = 2.0
TELL_SECONDS = 60.0
IDLE_SECONDS = 30.0  # on a node without GPUs


def run(places: Places, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Watch until another engine runs this store."""
    watchdog, upward, chain, rollouts = Watchdog(places), Upward(places), ChainWatch(places), Rollouts(places)
    ground, backups = Ground(places), Backups(places)
    while watchdog.is_of_this_engine():
        ground.tick()
        upward.tick()
        backups.tick()
        chain.tick()
        sleep(min(watchdog.tick(), rollouts.tick()))
        _notify("WATCHDOG=1")
    return int(Exit.OK)


class Watchdog:
    """One node's watchdog. `tick` looks once, does what is due, and returns how long to sleep."""

    def __init__(
        self,
        places: Places,
        *,
        look: Look | None = None,
        hands: Callable[[int], Hands] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._monotonic = monotonic
        self._look = look or Look(places)
        self._hands = hands or (lambda lock: Hands(places, keep_fds=(lock,) if lock >= 0 else ()))
        self._memory = remembered(places)
        self._known: tuple[Path, Path] | None = None
        self._watched: Watched | None = None
        self._told: tuple[bool, str, float] = (False, "", float("-inf"))  # ready, why, when

    def is_of_this_engine(self) -> bool:
        """Tell whether the store still runs the engine that this is a part of."""
        slots = Slots(self._places)
        slot = slots.candidate or slots.current
        own = Path(__file__).resolve().parents[3]
        return slot is None or own.parent != self._places.runtimes or own == self._places.runtime(slot.envelope.runtime)

    def tick(self) -> float:
        """Look once, and do what is due."""
        self._renew()
        if self._watched is None:
            return IDLE_SECONDS
        if self._gives_way():
            return EVERY_SECONDS
        with suppress(LookFailed, Denied):  # an API that does not answer is k3s's own matter, and the engine's
            facts, deeds = self._see()
            if deeds:
                self._act()
            self._tell(facts)
        return EVERY_SECONDS

    def _renew(self) -> None:
        """Learn what the node should be, when that is something else than it was."""
        slots = Slots(self._places)
        slot = slots.current or slots.candidate
        if slot is None:
            self._known, self._watched = None, None
            return
        apps = slots.apps_of(slot)
        if self._known == (slot.folder, apps.folder):
            return
        try:
            _, node = load(self._places, slot, apps)
        except (OSError, ValueError):
            self._watched = None
            return
        self._known = (slot.folder, apps.folder)
        if node.gpu is None:
            self._watched = None
            return
        driver = driver_of(node, node.gpu, limit_seconds=0)
        proven = Proven(node.gpu, node.name, wait_seconds=0.0, again_seconds=0.0, monotonic=self._monotonic)
        images = frozenset(ref for image in node.k3s.images for ref in image.refs)
        self._watched = Watched(node.name, node.gpu, driver, proven, images)

    def _gives_way(self) -> bool:
        if rest(self._places) is not None or deploy_comes(self._places):
            return True
        return holder(self._places.run) is not None  # the engine proves and buries itself; the rest waits for its end

    def _see(self) -> tuple[Facts, tuple[Deed, ...]]:
        if self._watched is None:
            raise LookFailed("nothing is watched")
        facts = look(self._look, self._watched)
        drifted = facts.driver_drifts
        if not drifted:
            seen = self._watched.proven.judge(self._look, facts.count)
            drifted = seen.reason if seen.status is Status.DRIFTED else ""
        deeds, memory = climb(self._memory, facts, self._monotonic(), drifted=drifted)
        if memory.held != self._memory.held:
            keep(self._places, memory)
        self._memory = memory
        return facts, deeds

    def _act(self) -> None:
        """Take the lock, look again (the engine may have been here), and do what is still due."""
        name = secrets.token_hex(4)
        lock = Lock(self._places.run, {"kind": KIND, "run": name, "since": event.now(), "pid": os.getpid()})
        if not lock.acquire():
            return
        with lock:
            if deploy_comes(self._places):  # since the first look: it takes seconds
                return
            _, deeds = self._see()
            if not deeds or self._watched is None:
                return
            hands = self._hands(lock.fd)
            journal = Journal(self._places.journal, name, KIND, spare=self._places.journals[1])
            try:
                journal.write(event.RUN, reason=KIND, data={"boot": self._look.boot_id()})
                for deed in deeds:
                    self._memory = self._memory.having_done(deed, self._monotonic())
                    keep(self._places, self._memory)  # before it: one that ends the watchdog has cost its budget
                    ended = do(deed, hands, self._watched)
                    journal.write(event.STEP, step=KIND, title=KIND, word=event.CHANGED, reason=_sentence(deed, ended))
                    print(_sentence(deed, ended), flush=True)  # noqa: T201 - the unit's log
                    word = "withdraw" if deed.word == "check" and WITHDRAWN in ended else deed.word
                    if word in EVENTS:
                        reason, warning = EVENTS[word]
                        happened(hands, self._watched.node, reason, _sentence(deed, ended), warning=warning)
                journal.write(event.VERDICT, word="done", reason=f"{len(deeds)} done", data={"word": "done", "exit": 0})
            finally:
                journal.close()

    def _tell(self, facts: Facts) -> None:
        """Say how the GPUs stand to whoever reads the node's condition, its Events and metrics, when it is news."""
        if self._watched is None:
            return
        ready, now = facts.marked and facts.count.enough, self._monotonic()
        message = facts.count.missing or facts.count.short or facts.driver or "all are proven in this boot"
        if self._memory.held:
            message = f"{message}; held: {self._memory.held}"
        if (ready, message) == self._told[:2] and now - self._told[2] < TELL_SECONDS:
            return
        held, self._told = self._memory.held and self._memory.held not in self._told[1], (ready, message, now)
        hands = self._hands(-1)
        if held:
            happened(hands, self._watched.node, "GpuHeld", self._memory.held, warning=True)
        tell(hands, self._watched.node, ready, "GpuProven" if ready else "GpuNotReady", message)
        metrics.keep(hands, looked(self._look, self._watched.gpu, self._watched.node, scripts=False), now=time.time())


# What others hear of: the reason of an Event on the Node, and whether it is a warning.
EVENTS = {
    "bury": ("GpuDeadPodsDeleted", False),
    "restart plugin": ("GpuPluginRestarted", False),
    "restart plugin for more": ("GpuPluginRestarted", False),
    "withdraw": ("GpuWithdrawn", True),
    "withdraw marker": ("GpuWithdrawn", True),
    "move": ("GpuPodMoved", True),
    "renew": ("GpuPodRenewed", True),
}


def _sentence(deed: Deed, ended: str) -> str:
    what = f"{deed.word} {deed.what}".strip()
    return f"{what}, since {deed.why}: {ended}"


def remembered(places: Places) -> Memory:
    """Return what the watchdog of this boot remembers."""
    try:
        return replace(from_json(Memory, json.loads(places.watch.read_bytes())), since={}, crashed={})
    except (OSError, ValueError):
        return Memory()


def keep(places: Places, memory: Memory) -> None:
    """Hold on to it until the next boot: a watchdog that is restarted has the same budgets."""
    with suppress(OSError):
        write_atomic(places.watch, canonical(to_json(memory)))


def _notify(word: str) -> None:
    """Tell systemd (sd_notify(3)): one that hangs is ended and started again (WatchdogSec=)."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if place:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.connect("\0" + place[1:] if place.startswith("@") else place)
            line.send(word.encode())
