"""A run that restarts its machine: it goes on as itself, ends as if nothing had been, and never restarts for ever."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.node import engine, owed, sending, tail
from edgectl.node.converge import journal
from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.host.packages.step import GpuPackages
from edgectl.node.reboot import record, restarts, step
from edgectl.node.reboot.record import read
from edgectl.node.request import DEPLOY
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Exit, Locked
from edgectl.wire.host import Reboots
from tests.unit.node.fake import FakeNode
from tests.unit.node.reboot.machine import ADA, LONG_AGO, Machine, Module, Serves

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NIGHTS = Reboots(("mon-fri 22:00-05:00 UTC",))


class Clock:
    """The node's clock, as a test sets it."""

    now_is = MONDAY_NOON

    @classmethod
    def now(cls, zone: Any) -> datetime:
        """Return it."""
        return cls.now_is.astimezone(zone)


@pytest.fixture
def machine(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine on which nothing runs yet."""
    made = Machine(node)
    for module in (engine, tail, sending):
        monkeypatch.setattr(module, "Look", lambda *_, **__: node)
    monkeypatch.setattr(engine, "Hands", lambda *_, **__: node)
    monkeypatch.setattr(engine, "recipe", made.recipe)
    monkeypatch.setattr(step, "datetime", Clock)
    _passes(monkeypatch, lambda _: None)
    return made


def _passes(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]) -> None:
    """Let time pass by being asked for, here and nowhere else."""
    now = iter(range(10**9))
    for module in (restarts, tail):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(now)), sleep=sleep))


@pytest.fixture
def served(machine: Machine) -> Machine:
    """Return one that serves v1, without a restart so far."""
    assert machine.deploy("v1") == Exit.OK
    assert machine.boots == 1, "what is not loaded yet needs no restart"
    return machine


def test_a_deploy_goes_on_under_its_own_name(served: Machine) -> None:
    """Law: one run, one journal, across the boot; what it has changed and restarted before is still its own."""
    assert served.deploy("v2") == Exit.OK
    assert (served.boots, served.loaded, served.slots) == (2, "v2", (None, 2))
    assert served.journals == ["deploy-00000002.jsonl", "deploy-00000001.jsonl"]
    said = served.said()
    assert [item["kind"] for item in said].count("run") == 2
    assert [item["data"].get("restarts", 0) for item in said if item["kind"] == "run"] == [0, 1]
    assert [item["at"] for item in said] == sorted(item["at"] for item in said), "its time goes on"
    (asked,) = [item for item in said if item.get("word") == "rebooting"]
    assert asked["reason"] == "driver: the kernel runs NVIDIA v1, v2 is installed"
    verdict = served.verdict()
    assert verdict["changed"] == ["module", "reboot"]
    assert verdict["reboots"] == [asked["reason"]]
    assert verdict["promoted"] is True


def test_an_operator_goes_on_at_its_offset(served: Machine) -> None:
    """Law: nothing of the journal is said twice, and what comes after the boot stands behind it."""
    served.offer("v2")
    assert served.run(DEPLOY) is None
    path = journal.runs(served.node.places.journal)[0]
    before, offset = journal.read(path, 0)
    assert served.run() == Exit.OK
    after, _ = journal.read(path, offset)
    assert (before[-1]["word"], after[0]["kind"], after[-1]["kind"]) == ("rebooting", "run", "verdict")


def test_a_second_deploy_restarts_nothing(served: Machine) -> None:
    """Law: none when nothing needs it."""
    served.deploy("v2")
    assert served.run(DEPLOY) == Exit.OK
    assert served.verdict()["changed"] == []
    assert "reboots" not in served.verdict()
    assert served.boots == 2


def test_a_restart_that_does_not_help_is_made_twice_and_no_more(served: Machine) -> None:
    """Law: never a loop; no heal restarts a third time."""
    served.heals, served.loaded = False, "broken"
    assert served.run() is None
    assert served.run() is None
    for _ in range(3):
        assert served.run() == Exit.NOT_READY
    assert served.boots == 3


def test_a_candidate_whose_restart_does_not_help_is_turned_down(served: Machine) -> None:
    """Restarted twice for it, twice to go back from it at most: then it stands, and says what it stands at."""
    served.heals = False
    assert served.deploy("v2") == Exit.NOT_READY
    assert served.slots == (None, 1)
    verdict = served.verdict()
    reason = "machine restart: restarted twice, and still: driver: the kernel runs NVIDIA v1, v2 is installed"
    assert verdict["reason"] == reason
    assert (verdict["gate"], verdict["returned"]["word"]) == ("reboot", "ready")
    boots = served.boots
    assert boots == 3
    for _ in range(3):
        assert served.run() == Exit.OK
    assert served.boots == boots


def test_the_most_is_as_declared(served: Machine) -> None:
    """Once, or never: then it is said, and nothing is turned down for it."""
    served.rule, served.heals = Reboots(most=1), False
    served.deploy("v2")
    assert served.boots == 2
    assert "restarted once, and still" in served.verdict()["reason"]
    served.rule = Reboots(most=0)
    assert served.deploy("v3") == Exit.DEGRADED
    assert (served.boots, served.slots) == (2, (None, 3))
    assert "told never to restart this machine (host.most_reboots: 0)" in served.verdict()["reason"]


def test_counts_end_when_it_has_been_well_for_long(served: Machine) -> None:
    """Not at once: what needs a restart again minutes after each would get one for ever."""
    served.deploy("v2")
    assert served.run() == Exit.OK
    assert read(served.node.places).asked
    served.node.booted -= restarts.SETTLED_SECONDS
    assert served.run() == Exit.OK
    assert not served.node.places.reboot.exists()


def test_counts_stay_while_it_waits(served: Machine) -> None:
    """A restart that is needed and not made is not well."""
    served.deploy("v2")
    served.node.booted -= restarts.SETTLED_SECONDS
    served.rule, served.disk = NIGHTS, "v3"
    served.extra.clear()
    served.offer("v3")
    assert served.run(DEPLOY) == Exit.DEGRADED
    assert read(served.node.places).asked


def test_a_flapping_cause_restarts_no_more_than_declared(served: Machine) -> None:
    """Law: it is well after each restart, and wrong again minutes later: that is one cause."""
    for _ in range(5):
        served.loaded = "something else"
        while served.run() is None:
            pass
    assert served.boots == 3
    assert "restarted twice, and still" in served.verdict()["reason"]


def test_outside_its_hours_a_store_says_so_and_serves(served: Machine) -> None:
    """No deploy is turned down for it; in them the timer's run restarts, and nobody is there."""
    served.rule = NIGHTS
    assert served.deploy("v2") == Exit.DEGRADED
    assert (served.boots, served.slots) == (1, (None, 2))
    assert served.verdict()["reason"].endswith("v2 is installed): waits for its hours, next Mon 22:00")
    Clock.now_is = MONDAY_NOON.replace(hour=23)
    try:
        assert served.run() is None
        assert served.run() == Exit.OK
    finally:
        Clock.now_is = MONDAY_NOON
    assert (served.boots, served.loaded) == (2, "v2")
    assert served.journals[0] == f"heal-{served.said()[0]['run']}.jsonl"


def test_a_driver_that_came_in_the_hours_is_started_when_they_have_ended(served: Machine) -> None:
    """Law: its step has kept them, and building takes minutes; without the restart no GPU is let in until the next.

    A run that finds it there has hours. Seeded: hours whatever this run has changed; none for any cause.
    """
    served.rule, served.brings = NIGHTS, GpuPackages.id
    assert served.deploy("v2") == Exit.OK
    assert (served.boots, served.loaded) == (2, "v2")
    served.disk = "v3"
    served.loaded = "old"
    served.brings = "module"
    assert served.run() == Exit.DEGRADED
    assert served.boots == 2


def test_a_person_lifts_the_hours(served: Machine) -> None:
    """With the offer, for its candidate; or with a press for what runs already. The next heal has hours again."""
    served.rule = NIGHTS
    assert served.deploy("v2", may_reboot=True) == Exit.OK
    assert served.boots == 2
    served.disk = served.loaded = "v1"
    served.deploy("v3")
    assert served.boots == 2
    assert served.run(DEPLOY, may=True) is None
    assert served.run() == Exit.OK
    assert (served.boots, served.loaded) == (3, "v3")
    served.loaded = "old"
    assert served.run() == Exit.DEGRADED
    assert served.boots == 3


def test_a_store_that_runs_nothing_has_no_hours_to_keep(machine: Machine) -> None:
    """From bare to converged needs nobody's night."""
    machine.rule, machine.loaded = NIGHTS, "nouveau"
    assert machine.deploy("v1") == Exit.OK
    assert (machine.boots, machine.slots) == (2, (None, 1))


def test_a_dead_clock_is_no_time_to_restart(served: Machine) -> None:
    """It stands before what it was given: its hours are not known."""
    served.rule = NIGHTS
    assert served.deploy("v2", created="2030-01-01T00:00:00+00:00") == Exit.DEGRADED
    assert "clock cannot be right" in served.verdict()["reason"]
    assert served.boots == 1


def test_an_engine_that_dies_before_it_asks_has_not_restarted(served: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the next run is the same one, takes it up in the same boot, and the restart is counted once."""

    def dies(_: Any) -> None:
        raise KeyboardInterrupt

    served.rule = Reboots(most=1)
    served.offer("v2")
    with monkeypatch.context() as patch:
        patch.setattr(restarts, "goes_down", dies)
        with pytest.raises(KeyboardInterrupt):
            served.run(DEPLOY)
    assert served.boots == 1
    assert served.run() is None
    assert served.run() == Exit.OK
    assert (served.boots, served.slots) == (2, (None, 2))
    assert served.journals[0] == "deploy-00000002.jsonl"
    assert len(served.verdict()["reboots"]) == 2, "it has asked twice"


def test_whoever_presses_goes_first(served: Machine) -> None:
    """The run that was cut is nobody's any more; what was counted stays."""
    served.offer("v2")
    assert served.run(DEPLOY) is None
    served.offer("v3")
    assert served.run(DEPLOY) is None
    assert served.run() == Exit.OK
    assert served.slots == (None, 3)
    assert served.journals[0] == "deploy-00000003.jsonl"
    assert read(served.node.places).restarts(2, "driver", "") == 1


def test_a_run_that_goes_back_keeps_its_word_over_the_restart(served: Machine) -> None:
    """Law: the operator is told what became of his deploy, and not that the old version is ready."""
    assert served.deploy("v2-bad") == Exit.FAILED
    assert served.slots == (None, 1)
    assert served.boots == 3, "once to try it, once to go back"
    verdict = served.verdict()
    assert (verdict["sequence"], verdict["serving"], verdict["promoted"]) == (2, 1, False)
    assert verdict["reason"] == "serves: it does not compute"
    assert verdict["returned"]["word"] == "ready"
    assert served.loaded == "v1"
    assert served.journals == ["deploy-00000002.jsonl", "deploy-00000001.jsonl"]


def test_a_way_back_has_no_hours(served: Machine) -> None:
    """Law: a run that has restarted the machine for what it turns down undoes that at once, and not next week."""
    served.rule, Clock.now_is = NIGHTS, MONDAY_NOON.replace(hour=23)
    served.offer("v2-bad")
    try:
        assert served.run(DEPLOY) is None
    finally:
        Clock.now_is = MONDAY_NOON
    assert served.run() is None
    assert served.run() == Exit.FAILED
    assert (served.boots, served.loaded) == (3, "v1")


@pytest.fixture
def asked(served: Machine, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each recipe that was made is one of a way back; the base of what runs is its module."""
    made: list[bool] = []

    def recipe(*args: Any, **how: Any) -> Any:
        made.append(how.get("returning", False))
        return served.recipe(*args, **how)

    monkeypatch.setattr(engine, "recipe", recipe)
    monkeypatch.setattr(owed, "base_of", lambda *_: frozenset({"module", "reboot", "gpu"}))
    return made


def _turned_down_at_noon(served: Machine) -> None:
    """Restart the machine at night for a candidate that fails; what comes next is its run at noon."""
    served.rule, Clock.now_is = NIGHTS, MONDAY_NOON.replace(hour=23)
    served.offer("v2-bad")
    try:
        assert served.run(DEPLOY) is None
    finally:
        Clock.now_is = MONDAY_NOON


def test_a_way_back_that_is_cut_is_gone_on_with_at_once(
    served: Machine, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: after a power cut the heal is on the way back, without hours; once it stands, hours hold again."""

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt  # no Exception: a kill is caught by nobody

    _turned_down_at_noon(served)
    with monkeypatch.context() as patch:
        patch.setattr(Module, "apply", dies)
        with pytest.raises(KeyboardInterrupt):
            served.run()
    served.restart()
    assert (served.slots, served.loaded) == ((None, 1), "v2-bad")
    asked.clear()
    assert served.run() is None, "v1 is on the disk, and the machine restarts for it at noon"
    assert served.node.places.way_back.exists()
    assert served.run() == Exit.OK
    assert (served.loaded, asked) == ("v1", [True, True])
    assert not served.node.places.way_back.exists()
    served.loaded = "old"
    assert served.run() == Exit.DEGRADED
    assert asked[-1] is False


def test_a_way_back_that_fails_once_is_tried_again_as_one(
    served: Machine, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: whatever held it up, a locked dpkg, say."""

    def busy(*_: Any) -> None:
        raise ApplyFailed("dpkg is held by somebody")

    _turned_down_at_noon(served)
    with monkeypatch.context() as patch:
        patch.setattr(Module, "apply", busy)
        assert served.run() == Exit.FAILED
        assert served.run() == Exit.FAILED
        assert asked[-1] is True
    assert served.run() is None
    assert served.run() == Exit.OK
    assert (served.loaded, served.node.places.way_back.exists()) == ("v1", False)


@pytest.mark.parametrize("half", ["before", "after"])
def test_a_kill_at_the_rejection_leaves_the_candidate_or_the_mark(
    served: Machine, asked: list[bool], half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: never a rejection without the mark; a candidate that is tried again has hours to keep."""
    real = Slots.reject

    def dies(slots: Slots, *args: Any, **how: Any) -> None:
        if half == "after":
            real(slots, *args, **how)
        raise KeyboardInterrupt

    _turned_down_at_noon(served)
    with monkeypatch.context() as patch:
        patch.setattr(Slots, "reject", dies)
        with pytest.raises(KeyboardInterrupt):
            served.run()
    places = served.node.places
    assert owed.is_owed(places, Slots(places).current)
    assert served.slots == (2 if half == "before" else None, 1)
    assert owed.restarts_back(places) is (half == "after")
    while (code := served.run()) is None:
        pass
    assert code == (Exit.FAILED if half == "before" else Exit.OK)
    assert (served.slots, served.loaded, asked[-1]) == ((None, 1), "v1", True)
    assert not places.way_back.exists()


def test_a_dead_gpu_keeps_no_store_on_its_way_back(served: Machine, asked: list[bool]) -> None:
    """The driver before is in place: from here on the hours hold again, however long the card is dead."""
    current = Slots(served.node.places).current
    assert current is not None
    owed.owe(served.node.places, current, current)
    served.extra.append(Serves(served, "bad", id="gpu"))
    assert served.run() == Exit.FAILED
    assert asked[-1] is True
    assert not served.node.places.way_back.exists()


def test_a_way_back_ends_with_another_deploy(served: Machine, asked: list[bool]) -> None:
    """What is promoted is nobody's way back; nor does one lift hours that has restarted nothing."""
    served.rule = NIGHTS
    current = Slots(served.node.places).current
    assert current is not None
    owed.owe(served.node.places, current, current)
    served.loaded = "old"
    assert served.run() == Exit.DEGRADED
    assert (served.boots, asked[-1]) == (1, True)
    assert served.node.places.way_back.exists(), "what waits for its hours is not as declared"
    served.deploy("v2")
    assert (served.slots, served.node.places.way_back.exists()) == ((None, 2), False)


def test_what_served_less_before_may_serve_less_after_the_restart(served: Machine) -> None:
    """Law: a candidate is compared with what was there before it, also where a boot lies between."""
    served.thin = True
    assert served.run() == Exit.DEGRADED
    assert served.deploy("v2") == Exit.DEGRADED
    assert (served.boots, served.slots) == (2, (None, 2))


def test_a_restart_is_no_try_of_a_candidate(served: Machine) -> None:
    """However often it is cut by its own restarts, it is not given up for them."""
    served.offer("v2")
    candidate = Slots(served.node.places).candidate
    assert candidate is not None
    (candidate.folder / "tries").write_text("3")
    assert served.run(DEPLOY) is None
    assert candidate.tries == 0


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda machine: setattr(machine, "goes_down", False), "the machine has not gone down within 120 s"),
        (lambda machine: setattr(machine, "refuses", True), "the machine does not restart: Call to Reboot failed"),
    ],
)
def test_a_machine_that_does_not_go_down_is_a_failure(
    served: Machine, harm: Callable[[Machine], None], says: str
) -> None:
    """It says what systemd says, and no later boot takes the run up that has ended so."""
    harm(served)
    assert served.deploy("v2") == Exit.FAILED
    assert says in served.verdict()["reason"]
    assert any("systemctl" in line for line in served.verdict()["evidence"])
    assert read(served.node.places).goes_on is None
    served.goes_down, served.refuses = True, False
    served.restart()
    served.run()
    assert served.journals[0].startswith("heal-")


def test_no_restart_without_a_note_of_it(served: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what cannot be counted is not done."""

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(restarts, "keep", full)
    assert served.deploy("v2") == Exit.FAILED
    assert "no restart without a note of it on the disk: No space left" in served.verdict()["reason"]
    assert served.boots == 1


def test_the_same_command_attaches_while_its_machine_restarts(served: Machine) -> None:
    """Law: to the same run. Anybody else is told who deploys, and why it takes a while (exit 7)."""
    served.offer("v2")
    slot = Slots(served.node.places).candidate
    assert slot is not None
    assert served.run(DEPLOY) is None
    offer = Envelope("store-042", "node-1", slot.envelope.payload, "", "", 2, LONG_AGO, ADA)
    assert sending.meet(served.node.places, offer) == "00000002"
    other = Envelope("store-042", "node-1", slot.envelope.payload, "", "", 2, LONG_AGO, Sender("grace", "desk"))
    with pytest.raises(Locked, match=r"ada@laptop deploys store-042 since now; node-1 restarts \(driver: "):
        sending.meet(served.node.places, other)
    assert served.run() == Exit.OK
    assert sending.meet(served.node.places, offer) == ""


def test_nobody_deploys_to_a_machine_that_goes_down(served: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heal restarts it: in some minutes."""
    served.loaded, served.goes_down = "old", False
    met: list[Locked] = []

    def look(_: float) -> None:
        offer = Envelope("store-042", "node-1", "sha256:x", "", "", 9, LONG_AGO, ADA)
        found = read(served.node.places).goes_on
        assert found is not None
        assert record.is_going_down(served.node.places)
        with pytest.raises(Locked) as told:
            sending._restarts(served.node.places, offer)
        met.append(told.value)

    _passes(monkeypatch, look)
    served.run()
    assert "node-1 restarts (driver: " in met[0].message


class Frames:
    """Whoever follows."""

    def __init__(self, most_beats: int) -> None:
        self.said: list[str] = []
        self.most = most_beats

    def send(self, op: str, /, **fields: Any) -> None:
        """Remember it; enough beats end the link."""
        del fields
        self.said.append(op)
        if self.said.count("beat") > self.most:
            raise BrokenPipeError

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        """Remember each."""
        for fields in frames:
            self.send(op, **fields)


def test_a_run_is_not_lost_while_its_machine_restarts(served: Machine) -> None:
    """Law: between the boot and the run that goes on, whoever follows is told to wait, also where its file is gone."""
    places = served.node.places
    served.offer("v2")
    assert served.run(DEPLOY) is None
    frames = Frames(3)
    with pytest.raises(BrokenPipeError):
        tail.tail(places, frames, "00000002", 0)
    assert "lost" not in frames.said
    journal.runs(places.journal)[0].unlink()
    frames = Frames(3)
    with pytest.raises(BrokenPipeError):
        tail.tail(places, frames, "00000002", 10_000)
    assert set(frames.said) == {"beat"}
    assert served.run() == Exit.OK
    frames = Frames(0)
    tail.tail(places, frames, "00000002", 10_000_000)
    assert (frames.said[0], frames.said[-1]) == ("event", "end"), "the new file is read from its beginning"


def test_a_run_that_nobody_goes_on_with_is_lost(served: Machine) -> None:
    """A boot whose first run never comes is not waited for; nor is another run."""
    served.offer("v2")
    assert served.run(DEPLOY) is None
    frames = Frames(9)
    tail.tail(served.node.places, frames, "00000001", 10**6, wait=False)
    served.node.booted -= record.COMES_BACK_SECONDS + 1
    frames = Frames(9)
    tail.tail(served.node.places, frames, "00000002", 0)
    assert frames.said[-1] == "lost"
