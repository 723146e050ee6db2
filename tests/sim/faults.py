"""The faults, and one case: a history, the event at which a fault strikes, and what must be true in the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from edgectl.control.audit.check import check
from edgectl.node.converge.lock import holder
from edgectl.node.outbox.queue import BEAT, entries
from edgectl.node.outbox.report import said
from edgectl.node.reboot.record import read
from edgectl.wire.audit import parts
from edgectl.wire.delta import DELTA
from edgectl.wire.errors import Exit
from tests.sim import stock
from tests.sim.histories import NOTHING, PAYLOADS, History, Kept, given, state
from tests.sim.world import Pressed, World


def _reset(world: World) -> None:
    for pipe in world.pipes:
        pipe.reset()


def _black_hole(world: World) -> None:
    for pipe in world.pipes:
        pipe.hole = True


def _harm(kind: str) -> Callable[[World], None]:
    def strike(world: World) -> None:
        world.harm = kind

    return strike


def _fill(world: World) -> None:
    world.disk.full = True


def _lose_base(world: World) -> None:
    with world.outside():
        world.places.blob(stock.OLD_IMAGE).unlink(missing_ok=True)


FAULTS: dict[str, Callable[[World], object]] = {
    "kill engine": lambda world: world.kill("engine"),
    "kill operator": lambda world: world.kill("operator"),
    "kill session": lambda world: world.kill("session"),
    "link reset": _reset,
    "black hole": _black_hole,
    "power cut": lambda world: world.cut_power(loses=False),
    "power cut, unsynced lost": lambda world: world.cut_power(loses=True),
    "step error": _harm("error"),
    "hang": _harm("hang"),
    "disk full": _fill,
    "base gone": _lose_base,
}
_BASE = "base gone"  # of a delta: strikes only where there is one, and until the deploy is accepted
_AT_STEPS = frozenset({"step error", "hang"})
_NEEDS = {"kill engine": "engine", "kill session": "session", "link reset": "session", "black hole": "session"}
_LINK = frozenset({"kill session", "link reset", "black hole"})
_POWER = frozenset({"power cut", "power cut, unsynced lost"})
AFTER = -1  # no event: when all is said
_MOST_RESTARTS = 2  # for one cause, as declared
_OUTLAST = 6  # runs of the timer that a store alone may need


def _plain(event: str) -> str:
    """Return an event without the names that differ from run to run."""
    event = re.sub(r"\d{8}T[\d.]+-(\w+)-[0-9a-f]{8}", r"\1", event)
    return re.sub(r"(\d{10})-[0-9a-f]{4}-([a-z]+)(-[0-9a-f]{8})?", r"\1-\2", event)


@dataclass(frozen=True)
class Case:
    """One fault at one event of a history."""

    history: History
    at: int
    event: str
    fault: str
    alone: bool

    @property
    def name(self) -> str:
        """Return it for people."""
        then = "alone" if self.alone else "again"
        return f"{self.history.name} / {self.at} {_plain(self.event)} / {self.fault} / {then}"


def record(history: History, kept: Kept) -> list[tuple[str, str, frozenset[str]]]:
    """Let a history happen without a fault; return each event, and who was alive at it."""
    with kept.world(is_thin=bool(history.travels)) as world:
        seen: list[frozenset[str]] = []
        real = world.event

        def watch(what: str) -> None:
            before = len(world.events)
            real(what)
            if len(world.events) > before:
                seen.append(frozenset(process.name for process in world.processes.alive()))

        world.event = watch  # type: ignore[method-assign]
        world.disk._event = watch
        _last(history, world)
        world.settle()
        assert state(world) in history.again, state(world)
        assert len(world.restarts) == history.restarts, f"its machine restarts for {world.restarts}"
        forms = {form for pipe in world.pipes for form in pipe.forms}
        assert not history.travels or history.travels in forms, f"its blobs travel as {forms}"
        return [(who, what, alive) for (who, what), alive in zip(world.events, seen, strict=True)]


def cases(history: History, kept: Kept) -> list[Case]:
    """Return every case of a history: each recorded event with each fault that can strike there."""
    found = []
    for at, (who, what, alive) in enumerate(record(history, kept)):
        for number, fault in enumerate(FAULTS):
            if fault in _AT_STEPS and not what.startswith(("probe ", "apply ", "half ")):
                continue
            if _NEEDS.get(fault, who) not in alive or (fault == "kill operator" and "operator" not in alive):
                continue
            if fault == _BASE and (history.travels != DELTA or who == "engine"):
                continue
            alone = (at + number) % 2 == 1 and fault != _BASE  # what runs before has lost a part: no timer mends that
            found.append(Case(history, at, f"{who}: {what}", fault, alone=alone))
    return found + [Case(history, AFTER, "operator: has its answer", fault, alone=True) for fault in sorted(_POWER)]


def run(case: Case, kept: Kept) -> str:
    """Let it happen; returns how it ended. AssertionError names the law that was broken."""
    with kept.world(is_thin=bool(case.history.travels)) as world:
        before = world.slots.sequence
        world.strikes_at, world.fault = case.at, FAULTS[case.fault]
        first = _last(case.history, world, alone=case.alone and case.at != AFTER)
        if case.at == AFTER:
            world.struck = case.event
            world.fault(world)
            world.settle()
        assert world.struck, "the fault did not strike"
        if case.fault in _LINK and not case.alone and first is not None:
            good = state(world) == case.history.last.partition(" ")[2]
            assert first.exit == (Exit.OK if good else Exit.NOT_READY), f"the link died: {first.error or first.exit}"
        if case.fault == _BASE and first is not None:
            assert first.exit == Exit.OK, f"without the base it does not go on: {first.error or first.exit}"
        told = first is not None and first.exit == Exit.OK
        at_once = (state(world), world.facts.end()) if case.fault in _LINK | {"kill operator"} else None
        world.disk.full, world.harm = False, ""
        if not case.alone:
            pressed = _again(case.history, world)
            if case.history.offer is not None and state(world) == case.history.last.partition(" ")[2]:
                assert pressed in {Exit.OK, None}, f"it runs as declared, and the exit code is {pressed}"
        for _ in range(_OUTLAST if case.alone else 1):
            world.heal()
            if world.ended and world.ended[-1]["exit"] == Exit.OK and world.slots.candidate is None:
                break
        _laws(case, world, before)
        found, end = state(world), world.facts.end()
    if at_once is not None and at_once[0] != NOTHING:
        assert at_once[1] == clean(at_once[0]), "the run itself has not brought the store there, only a later one"
    assert not told or found in case.history.again, f"it was said to be done, and ends as {found}"
    assert found == NOTHING or end == clean(found), f"the machine is not what {found} looks like"
    return found


def _last(history: History, world: World, *, alone: bool = False) -> Pressed | None:
    """Let the last thing happen; with `alone`, the operator is gone for good as soon as the fault has struck."""
    pressed = None
    if history.offer is None:
        world.heal()
    else:
        pressed = world.press(history.offer)
        process = pressed.process
        assert process is not None
        if alone:
            world.processes.run(4000, until=lambda: bool(world.struck) or process.done)
            world.kill("operator")
        else:
            world.let(pressed)
            if pressed.exit == Exit.OK:
                current = world.slots.current
                assert current is not None, "it lied: nothing runs"
                assert current.envelope.payload == history.offer.payload, "it lied: not done"
                assert world.facts.synced == world.facts.disk, "it said done before it was on the disk"
    world.settle()
    return pressed


def _again(history: History, world: World) -> int | None:
    if history.offer is None:
        world.heal()
        return None
    pressed = world.deploy(history.offer)
    world.settle()
    return pressed.exit


def _laws(case: Case, world: World, before: int) -> None:
    history = case.history
    assert world.facts.wrong == [], world.facts.wrong
    found = state(world)
    allowed = history.alone if case.alone and case.at != AFTER else history.again
    assert found in allowed, f"it ends as {found}"
    slots = world.slots
    assert slots.sequence >= before, "a sequence was given twice"
    assert holder(world.places.run) is None, "the engine's lock is left"
    assert holder(world.places.run / "sending") is None, "the sender's lock is left"
    _tells(world)
    _is_audited(world)
    if found == NOTHING:
        assert slots.current is None
        return
    assert slots.candidate is None, "a candidate is left"
    writes = world.facts.writes
    world.heal()
    assert world.facts.writes == writes, "a run after the end changes something"
    most = max(map(world.restarts.count, world.restarts), default=0)
    assert most <= _MOST_RESTARTS * bool(history.restarts), f"its machine has restarted for {world.restarts}"
    assert read(world.places).goes_on is None, "a run is left that nobody has gone on with"
    assert not world.places.way_back.exists(), "a store that stands is still on its way back"
    assert world.ended[-1]["exit"] == Exit.OK, world.ended[-1]


def _tells(world: World) -> None:
    """Look through what waits to be told: it is whole, and the newest beat is of what runs."""
    waits = entries(world.places.outbox)
    assert len({entry.n for entry in waits}) == len(waits), "two entries have one number"
    assert len({entry.box for entry in waits}) <= 1, "the count began anew"
    torn = [entry.path.name for entry in waits if not entry.read() or (entry.kind == BEAT and said(entry) is None)]
    assert torn == [], torn
    if world.slots.current is not None:
        newest = said(waits[-1])
        assert newest is not None, "the newest entry is no beat"
        assert newest.runs == world.slots.current.envelope.sequence, "the newest beat is of another sequence"


def _is_audited(world: World) -> None:
    """Look through the audit: nothing in it is broken, and every deploy that was ever accepted stands in it."""
    files = [(path.name, path.read_bytes()) for path in parts(world.places.audit)]
    checked = check(files)
    assert checked.is_whole, checked.findings
    audited = {row.get("sequence") for row in checked.records if row.get("phase") in {"accepted", "late"}}
    missed = sorted({slot.envelope.sequence for slot in world.slots.all()} - audited)
    assert not missed, f"accepted, and in no line of the audit: {missed}"


_ENDS: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
_LIKE = {"B'/A": "bad'/A", "R2/R": "badR/R"}  # the same base, and the same apps on it


def clean(found: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return how a machine looks that came to this state without a fault."""
    name = _LIKE.get(found, found)
    if name not in _ENDS:
        base, _, apps = name.partition("/")
        with given((apps,) if apps else ()) as kept, kept.world() as world:
            world.deploy(stock.offer(PAYLOADS[base]))
            world.settle()
            assert state(world) == name
            _ENDS[name] = world.facts.end()
    return _ENDS[name]
