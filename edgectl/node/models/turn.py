"""A person's turn: back to the version that ran before, with no link and at once; and the end of that.

Owns when nobody's turn is. The hold is written first, then the links are switched: a kill in between is finished by the
next run, or by the same command.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.models import held, rollout
from edgectl.node.models.declares import SHOWS, declared
from edgectl.node.models.held import Held
from edgectl.node.models.registry import CURRENT, PREVIOUS, Note, Registry
from edgectl.node.models.switch import switch
from edgectl.node.request import DEPLOY, YIELD
from edgectl.wire import event
from edgectl.wire.errors import Locked, NotReady

_HEAL_STEPS_ASIDE_SECONDS = 60.0
_LETS_GO_SECONDS = 2.0  # a deploy that has said its verdict
_AGAIN = "wait until it has ended (edgectl status STORE), then run the same command again"


@dataclass(frozen=True, slots=True)
class Turned:
    """What a person's turn has come to; `changed` is false where the node stood so already."""

    said: str
    changed: bool = True


def rollback(places: Places, name: str, *, who: str, why: str) -> Turned:
    """Go back to the version that ran before, and hold it; a rollout only ends. Raises Locked or NotReady."""
    with quiet(places):
        registry, declares = Registry(places), declared(places)
        wanted = declares.folder(name)
        now, before = known(registry, name, CURRENT), known(registry, name, PREVIOUS)
        hold, begun = held.read(registry, name), declares.running(name)
        if begun is not None and now is not None:
            if begun.is_of_declared:
                order = begun.order
                hold = Held(now.version, now.folder, order.version, order.candidate, who, why, event.now())
                held.write(registry, name, hold)
            declares.end(name)
            stays = f"; {hold.sentence()}" if hold is not None and hold.folder == now.folder else ""
            return Turned(f"{name}: the {begun.order.strategy} of {begun.order.version} ends{stays}")
        if hold is not None and hold.from_folder == wanted:
            if now is not None and now.folder == hold.folder:
                # It may be held where a person has promoted it to: then this is not how one leaves it.
                goes = f"edgectl models release STORE {name} goes on with {hold.from_version}, as declared"
                return Turned(f"{name} is {hold.sentence()}, already ({goes})", changed=False)
        elif now is None or before is None:
            raise NotReady(f"{name} has no version here to go back to", hint=SHOWS)
        elif now.folder != wanted:
            raise NotReady(
                f"{name} runs {now.version}, which is not what was deployed last", hint="edgectl status STORE says why"
            )
        else:
            hold = Held(before.version, before.folder, now.version, now.folder, who, why, event.now())
            held.write(registry, name, hold)
        switch(registry, name, hold.from_folder, tried=False)
        return Turned(f"{name} went back from {hold.from_version} to {hold.version}; {hold.sentence()}")


def release(places: Places, name: str) -> Turned:
    """End a hold and go on with what is declared. Raises Locked or NotReady.

    One that a rollout has ended in begins it anew. `previous` first: whoever is killed in here finds the hold, or a
    `current` that the next run switches.
    """
    with quiet(places):
        registry, declares = Registry(places), declared(places)
        wanted, hold = declares.folder(name), held.read(registry, name)
        if hold is None:
            return Turned(f"{name} is not held", changed=False)
        if hold.from_folder != wanted or not registry.at(name, wanted).is_dir():
            held.end(registry, name)
            return Turned(f"{name} is released")
        asked = declares.asked(name)
        if hold.who == held.ITSELF and asked is not None:
            begun = rollout.begin(registry, name, wanted, asked, declared=wanted)
            held.end(registry, name)
            return Turned(f"{name} is released: {begun.beside(hold.version)}, once more")
        registry.point(name, PREVIOUS, hold.folder)
        held.end(registry, name)
        registry.point(name, CURRENT, wanted)
        return Turned(f"{name} is released: {hold.from_version} runs again, as declared")


@contextmanager
def quiet(
    places: Places,
    *,
    seconds: float = _HEAL_STEPS_ASIDE_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the engine's lock: a heal is asked to step aside, a deploy is let be. Raises Locked."""
    note = {"run": "", "kind": "models", "pid": os.getpid(), "since": event.now()}
    lock, asks = Lock(places.run, note), Lock(places.run / "sending", note)
    began, mark = monotonic(), places.run / YIELD
    try:
        while not lock.acquire():
            found = holder(places.run) or {}
            waited = monotonic() - began
            if found.get("kind") == DEPLOY and waited >= min(seconds, _LETS_GO_SECONDS):
                raise Locked("a deploy runs on this node", hint=_AGAIN)
            if waited >= seconds:
                raise Locked(
                    f"a {found.get('kind') or 'run'} does not end", hint="edgectl journal STORE says where it is"
                )
            if asks.fd < 0 and asks.acquire():  # else a deploy is sending: it asks as soon as it has sent all
                mark.write_text("")
            sleep(0.1)
    finally:
        if asks.fd >= 0:
            mark.unlink(missing_ok=True)
            asks.release()
    with lock:
        if (candidate := Slots(places).candidate) is not None:
            raise Locked(
                f"sequence {candidate.envelope.sequence} is being deployed here",
                hint=_AGAIN,
            )
        yield


def known(registry: Registry, name: str, link: str) -> Note | None:
    """Return the version that a link names."""
    return registry.note(name, registry.linked(name, link))
