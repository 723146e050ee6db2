"""A run's journal: read once, or followed over links that break and a machine that restarts."""

from __future__ import annotations

from typing import Any, cast

import pytest

from edgectl.control.deploy import followed
from edgectl.control.deploy.followed import Following, journal
from edgectl.control.deploy.restarting import AWAY_SECONDS
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.wire.errors import NotReady, StepFailed, Unreachable
from tests.unit.control.deploy.test_look import Answering, opening

Frame = dict[str, Any]
AWAY = Unreachable("node-1 did not answer within 15 s")
RUNS: list[Frame] = [
    {"op": "runs", "runs": ["20261128T090000Z-heal-beef01.jsonl", "20261128T080000Z-deploy-8f3a.jsonl"]}
]
END: Frame = {"op": "end"}


def said(number: int, word: str = "") -> Frame:
    """Return an event's frame; the journal is so many bytes long behind it."""
    return {"op": "event", "offset": number * 100, "event": {"kind": "step", "step": str(number), "word": word}}


class Machine:
    """A node: each connection is an error, or the frames that answer `follow`. Remembers what it was asked."""

    def __init__(self, *connections: list[Frame] | Exception, runs: list[Frame] = RUNS) -> None:
        self.connections = list(connections)
        self.asked: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.now = 0.0
        self.runs = runs

    def connect(self) -> Any:
        """Open the next session."""
        found = self.connections.pop(0) if self.connections else AWAY
        if isinstance(found, Exception):
            raise found
        machine = self

        class Asked(Answering):
            def send(self, op: str, /, **fields: Any) -> None:
                if op == "follow":
                    machine.asked.append((fields["run"], fields["offset"]))
                super().send(op, **fields)

        return cast("Any", Asked(follow=found, journal=self.runs))

    def sleep(self, seconds: float) -> None:
        """Let the time go by."""
        self.now += seconds

    def follow(self, run: str = "") -> list[str]:
        """Follow to the end, and return the steps that were shown."""
        following = Following(self.connect, "node-1", run, self.said.append, lambda: self.now, self.sleep)
        return [str(item["step"]) for item in following.events()]


def test_a_journal_ends_with_its_run() -> None:
    """Beats are not shown; an unknown run is named; a run without a verdict simply ends."""
    events: list[Frame] = [{"op": "event", "event": {"kind": "run"}, "offset": 9}, {"op": "beat"}, END]
    assert list(journal(opening(Answering(follow=events)), run="")) == [{"kind": "run"}]
    lost: list[Frame] = [{"op": "lost", "found": False}]
    with pytest.raises(NotReady, match="no run 8f3a"):
        list(journal(opening(Answering(follow=lost)), run="8f3a"))
    assert list(journal(opening(Answering(follow=lost)), run="")) == []


def test_a_restart_of_the_machine_is_waited_for() -> None:
    """Law: the very run, from the line behind the last one, however the line ended; said once, and no link is lost.

    Seeded: the newest run asked for again; the first line again; exit 4 with the line.
    """
    for ends in (AWAY, NotReady("the engine cannot be read"), LinkLost("the link broke off")):
        down = [said(1), said(2, "rebooting")]
        machine = Machine(down, ends, AWAY, AWAY, [{"op": "beat"}, said(3), END])
        assert machine.follow() == ["1", "2", "3"]
        assert machine.asked == [("beef01", 0), ("beef01", 200)]
        assert machine.said == ["node-1 restarts; this goes on when it is back ...", "node-1 is back"]


def test_a_machine_that_stays_away_is_said() -> None:
    """Exit 4 after the time that a restart may take, and not before."""
    machine = Machine([said(1, "rebooting")])
    with pytest.raises(Unreachable, match="node-1 has not come back from its restart within 15 minutes"):
        machine.follow()
    assert machine.now >= AWAY_SECONDS


def test_a_link_that_breaks_is_dialled_again() -> None:
    """From the line behind the last one, for as long as a deploy would; somebody else who answers is nobody's node."""
    machine = Machine([said(1)], AWAY, [said(2), END])
    assert machine.follow("8f3a") == ["1", "2"]
    assert machine.asked == [("8f3a", 0), ("8f3a", 100)]
    assert machine.said[-1] == "node-1 is back"
    machine = Machine([said(1)])
    with pytest.raises(Unreachable, match="did not answer"):
        machine.follow()
    assert machine.now >= followed.RECONNECT_SECONDS
    with pytest.raises(WrongHostKey):
        Machine([said(1)], WrongHostKey("another machine answers")).follow()


def test_a_run_that_died_is_no_success() -> None:
    """Law: the power went unannounced, and nobody goes on with that run: exit 6, and that the node is back.

    Seeded: such a run ends as one with a verdict does.
    """
    machine = Machine([said(1)], AWAY, [{"op": "beat"}, {"op": "lost", "found": True}])
    with pytest.raises(StepFailed, match="that run ended without a verdict") as raised:
        machine.follow()
    assert machine.said[-1] == "node-1 is back"
    assert "edgectl status STORE" in raised.value.hint
    assert machine.asked == [("beef01", 0), ("beef01", 100)]


def test_a_verdict_is_the_end_whatever_becomes_of_the_line() -> None:
    """Law: nothing is asked behind it. Seeded: the word `end` waited for, which got lost with the line."""
    verdict: Frame = {"op": "event", "offset": 100, "event": {"kind": "verdict", "step": "", "word": "ready"}}
    machine = Machine([verdict], [{"op": "lost", "found": True}])
    assert machine.follow() == [""]
    assert machine.asked == [("beef01", 0)]


def test_a_node_that_was_never_there_is_not_waited_for() -> None:
    """Nor is what it says against the question, and one without a run has nothing to follow."""
    machine = Machine(AWAY, [said(1), END])
    with pytest.raises(Unreachable):
        machine.follow()
    assert machine.now == 0
    with pytest.raises(NotReady, match="no run 8f3a"):
        Machine([{"op": "lost", "found": False}]).follow("8f3a")
    assert Machine([{"op": "lost", "found": False}], runs=[{"op": "runs", "runs": []}]).follow() == []
