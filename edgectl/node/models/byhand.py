"""A person's turn at what comes: begin a rollout of a version that is here, or let a version take over at once.

Owns which version is meant, and when it is refused. A version that is not declared stays by a hold, as one does that
was gone back to: the store's self-repair leaves it, and the deploy of another one ends it.
"""

from __future__ import annotations

from dataclasses import replace

from edgectl.node.io.places import Places
from edgectl.node.models import held, rollout
from edgectl.node.models.declares import SHOWS, Declares, declared
from edgectl.node.models.held import Held
from edgectl.node.models.registry import CANDIDATE, CURRENT, PREVIOUS, Note, Registry
from edgectl.node.models.rollout import Begun
from edgectl.node.models.switch import switch
from edgectl.node.models.turn import Turned, known, quiet
from edgectl.wire import event
from edgectl.wire.errors import NotReady
from edgectl.wire.length import LONGEST_SECONDS
from edgectl.wire.rollout import AUTO, BY_HAND, CANARY, Rollout

_BRINGS = "edgectl models prefetch STORE brings what the inventory names as next; a deploy brings what it declares"


def promote(places: Places, name: str, version: str, *, who: str, why: str) -> Turned:
    """Let a version take over now: the one that stands beside, or one that is kept. Raises Locked or NotReady."""
    with quiet(places):
        registry, declares = Registry(places), declared(places)
        wanted, now, begun = declares.folder(name), known(registry, name, CURRENT), declares.running(name)
        folder = begun.order.candidate if begun else registry.linked(name, CANDIDATE)
        meant = _kept(registry, name, version) if version else registry.note(name, folder)
        if now is None:
            raise NotReady(f"{name} runs no version here yet", hint="edgectl status STORE says why")
        if meant is None:
            return Turned(f"{name} {now.version} runs, and none stands beside it", changed=False)
        if meant.folder != now.folder:
            taken_over(registry, declares, name, meant, who=who, why=why)
            return Turned(f"{name} {meant.version} runs now, {now.version} before{_holds(registry, name, wanted)}")
        if begun is not None:
            hint = f"edgectl models rollback STORE {name} ends that"
            raise NotReady(f"{name} {now.version} runs already, and {begun.beside(now.version)}", hint=hint)
        return Turned(f"{name} {now.version} runs already", changed=False)


def taken_over(registry: Registry, declares: Declares, name: str, meant: Note, *, who: str, why: str) -> None:
    """Let a version that is here run, and end what rollout there is. The decision first, then the links."""
    wanted, begun = declares.folder(name), declares.running(name)
    if meant.folder != wanted:
        of = registry.note(name, wanted)
        since = event.now()
        hold = Held(meant.version, meant.folder, of.version if of else "", wanted, who, why or "promoted", since)
        held.write(registry, name, hold)
        switch(registry, name, wanted, tried=False)
    elif begun is not None and begun.is_of_declared:
        rollout.decide(registry, name, begun)
    else:
        registry.point(name, PREVIOUS, registry.linked(name, CURRENT))
        held.end(registry, name)
        registry.point(name, CURRENT, wanted)
    declares.end(name)


def try_beside(
    places: Places, name: str, version: str, strategy: str, *, who: str, percent: int = 0, soak_seconds: float = 0.0
) -> Turned:
    """Begin a rollout of a version that is here, whatever the inventory's strategy is. Raises Locked or NotReady."""
    with quiet(places):
        registry, declares = Registry(places), declared(places)
        wanted, now, begun = declares.folder(name), known(registry, name, CURRENT), declares.running(name)
        came = registry.note(name, registry.linked(name, CANDIDATE))
        meant = _kept(registry, name, version) if version else came
        if meant is None:
            raise NotReady(f"no version of {name} has come ahead to this node", hint=_BRINGS)
        if now is None:
            raise NotReady(f"{name} runs no version here yet", hint="edgectl status STORE says why")
        if now.folder == meant.folder:
            raise NotReady(f"{name} {now.version} is what runs: it cannot stand beside itself", hint=SHOWS)
        asked = _asked(declares.asked(name), strategy, percent, soak_seconds)
        if begun is not None and _is_same(begun, meant, asked):
            return Turned(f"{name} {begun.beside(now.version)}, already", changed=False)
        begun = rollout.begin(registry, name, meant.folder, asked, declared=wanted, who=who)
        hold = held.holds(registry, name, wanted)
        if hold is not None and hold.from_folder == meant.folder:  # it was turned down; somebody tries it again
            held.end(registry, name)
        return Turned(f"{name} {begun.beside(now.version)}")


def _is_same(begun: Begun, meant: Note, asked: Rollout) -> bool:
    return begun.order.candidate == meant.folder and replace(begun.asked, promote=asked.promote) == asked


def _asked(declared: Rollout | None, strategy: str, percent: int, soak_seconds: float) -> Rollout:
    if not (0 <= percent <= 100 and 0 <= soak_seconds <= LONGEST_SECONDS):  # noqa: PLR2004 - per cent
        hint = "--percent 1 to 100; --soak 30s, 10m"
        raise NotReady(f"{percent} % for {soak_seconds:g} s is no rollout", hint=hint)
    base = replace(declared or Rollout(strategy), strategy=strategy)
    promotes = (declared.promote if declared else AUTO) if strategy == CANARY else BY_HAND
    return replace(
        base,
        steps=(percent,) if percent else base.steps,
        soak_seconds=soak_seconds or base.soak_seconds,
        promote=promotes,
    )


def _kept(registry: Registry, name: str, version: str) -> Note:
    """Return a version that is here, the newest of that name; raises NotReady where there is none."""
    notes = [note for folder in registry.folders(name) if (note := registry.note(name, folder)) is not None]
    found = [note for note in notes if version in {note.version, note.folder}]
    if not found:
        has = ", ".join(dict.fromkeys(note.version for note in notes)) or "none"
        raise NotReady(f"this node keeps no version {version} of {name} (it keeps {has})", hint=_BRINGS)
    return found[-1]


def _holds(registry: Registry, name: str, wanted: str) -> str:
    hold = held.holds(registry, name, wanted)
    return f"; {hold.sentence()}" if hold is not None else ""
