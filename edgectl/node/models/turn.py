"""A person's turn: back to the version that ran before, with no link and at once; and the end of that.

Owns when it is refused. The hold is written first, then the links are switched: a kill in between is finished by the
next run, or by the same command.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io.places import Places
from edgectl.node.models import held
from edgectl.node.models.held import Held
from edgectl.node.models.registry import CURRENT, PREVIOUS, Note, Registry
from edgectl.node.models.switch import switch
from edgectl.node.request import DEPLOY, YIELD
from edgectl.wire import event
from edgectl.wire.errors import Locked, NotReady

_HEAL_STEPS_ASIDE_SECONDS = 60.0
_LETS_GO_SECONDS = 2.0  # a deploy that has said its verdict
_AGAIN = "wait until it has ended (edgectl status STORE), then run the same command again"
_SHOWS = "edgectl models STORE shows what is kept (at the rack: edgectl-node models)"


def rollback(places: Places, name: str, *, who: str, why: str) -> Held:
    """Go back to the version that ran before, and hold it; returns the hold. Raises Locked or NotReady."""
    with quiet(places):
        registry = Registry(places)
        now, before = _known(registry, name, CURRENT), _known(registry, name, PREVIOUS)
        hold = held.read(registry, name)
        declared = _declared(places, name)
        if hold is not None and hold.from_folder == declared:
            if now is not None and now.folder == hold.folder:
                raise NotReady(
                    f"{name} is {hold.sentence()} already", hint=f"edgectl models release STORE {name} ends it"
                )
        elif now is None or before is None:
            raise NotReady(f"{name} has no version here to go back to", hint=_SHOWS)
        elif now.folder != declared:
            raise NotReady(
                f"{name} runs {now.version}, which is not what was deployed last", hint="edgectl status STORE says why"
            )
        else:
            hold = Held(before.version, before.folder, now.version, now.folder, who, why, event.now())
            held.write(registry, name, hold)
        switch(registry, name, hold.from_folder, tried=False)
        return hold


def release(places: Places, name: str) -> Held:
    """End a hold and go on with what is declared; returns the hold that was. Raises Locked or NotReady.

    `previous` first: whoever is killed in here finds the hold, or a `current` that the next run switches.
    """
    with quiet(places):
        registry = Registry(places)
        hold = held.read(registry, name)
        if hold is None:
            raise NotReady(f"{name} is not held", hint=_SHOWS)
        goes_on = hold.from_folder == _declared(places, name) and registry.at(name, hold.from_folder).is_dir()
        if goes_on:
            registry.point(name, PREVIOUS, hold.folder)
        held.end(registry, name)
        if goes_on:
            registry.point(name, CURRENT, hold.from_folder)
        return hold


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


def _known(registry: Registry, name: str, link: str) -> Note | None:
    return registry.note(name, registry.linked(name, link))


def _declared(places: Places, name: str) -> str:
    """Return the folder of the version that this node should run; raises NotReady where there is none."""
    slots = Slots(places)
    if (slot := slots.current) is None:
        raise NotReady("nothing has been deployed to this node yet", hint="edgectl deploy STORE")
    try:
        payload, _ = load(places, slot, slots.apps_of(slot))
    except (OSError, ValueError) as error:
        raise NotReady(f"what this node should be cannot be read: {error}", hint="deploy it again") from error
    found = [model.folder for model in (payload.models.current if payload.models else ()) if model.name == name]
    if not found:
        names = ", ".join(model.name for model in (payload.models.current if payload.models else ())) or "none"
        raise NotReady(f"this node keeps no model {name} (it keeps {names})", hint=_SHOWS)
    return found[0]
