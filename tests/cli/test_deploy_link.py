"""`edgectl deploy` while its link breaks, or the person leaves: the node does its work once, nothing is said twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.node.converge import journal
from edgectl.node.converge.lock import holder
from edgectl.node.converge.protocol import Observation, Status
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.report.terminal import Terminal
from tests.cli.conftest import Edgectl
from tests.cli.node import MOTD, Serves, StoreNode

pytestmark = pytest.mark.usefixtures("inventory")


@pytest.mark.parametrize("ends_behind", [False, True], ids=["", "the run ends just behind the new greeting"])
def test_the_link_breaks_at_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl, node: StoreNode, *, ends_behind: bool
) -> None:
    """The real session at the other end: one command, whichever frame is the last, ends with READY and 1 change.

    No event is said twice, and the node has done the work once.
    """
    monkeypatch.setattr("edgectl.control.deploy.deploy._PAUSES_SECONDS", (0.0,))
    if ends_behind:
        _end_behind_a_greeting(node, monkeypatch)
    frame, broken = 0, []
    while frame == 0 or node.broken:
        frame += 1
        node.begin_anew(tmp_path / f"node-{frame}", breaks_at=frame)
        said = edgectl("deploy", "store-042", "-v", "-o", "json")
        assert said.code == 0, (node.broken, said)
        assert node.file(MOTD).read_text() == "good"
        assert said.err.count("  changed   host files") <= 1
        run = journal.find(said.document["run"], node.places.journal)
        assert run is not None
        steps = [item for item in journal.read(run, 0)[0] if item["kind"] == "step"]
        for step in steps:
            shown = said.err.count(f"  {step['word']:<10}{step['title']:<20} {step['reason']}\n")
            assert shown == 1, (node.broken, step, said.err)
        lines = [item for path in journal.runs(node.places.journal) for item in journal.read(path, 0)[0]]
        applied = [item.get("word") for item in lines].count("changed")
        assert applied == 1
        assert node.killed == []
        assert len(Slots(node.places).all()) == 1
        if node.broken:
            assert "link lost at " in said.err
            assert "link back at " in said.err
        broken += node.broken
    assert {"-> deploy", "-> blob", "-> bytes", "-> sent", "<-"} == set(broken)
    assert len(broken) > 15


def _end_behind_a_greeting(node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a run end when the operator knows of it or, if not, between the next greeting and the offer after it."""
    greeted, began, looked = Terminal.connected, Terminal.started, Serves.probe

    def connected(self: Terminal, hello: dict[str, Any]) -> None:
        greeted(self, hello)
        if len(node.sessions) > 1:
            node.may_end.set()
            node.until(lambda: holder(node.places.run) is None)

    def started(self: Terminal, run: str, sequence: int) -> None:
        began(self, run, sequence)
        node.may_end.set()

    def probe(self: Serves, read: Look) -> Observation:
        return looked(self, read) if node.may_end.is_set() else Observation(Status.IN_PROGRESS, "held")

    monkeypatch.setattr(Terminal, "connected", connected)
    monkeypatch.setattr(Terminal, "started", started)
    monkeypatch.setattr(Serves, "probe", probe)


def test_the_same_command_again_just_as_its_run_ends(
    monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl, node: StoreNode
) -> None:
    """Law: whoever left and comes back is told how that run ended; the store has not changed under anybody's feet."""
    _end_behind_a_greeting(node, monkeypatch)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Terminal, "started", interrupt)
        left = edgectl("deploy", "store-042", "-o", "json")
    assert left.code == 130
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 0, said
    assert said.document["changed"] == ["host-files"]
    assert node.runs == 1


def test_ctrl_c_stops_watching_and_says_how_to_come_back(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130; the run goes on to its end without us."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("edgectl.report.terminal.Terminal.started", interrupt)
        said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 130
    document = said.document
    assert document["message"].startswith("stopped watching; node-1 goes on by itself (run ")
    assert "`edgectl journal store-042 --follow`" in document["hint"]
    assert "`edgectl deploy store-042`" in document["hint"]
    node.join()
    assert node.file(MOTD).read_text() == "good"
    again = edgectl("deploy", "store-042")
    assert "Nothing to change" in again.out


def test_ctrl_c_before_the_node_has_taken_over(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was begun; what was sent is kept for the next time."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgectl.report.terminal.Terminal.wanted", interrupt)
    said = edgectl("deploy", "store-042")
    assert said.code == 130
    assert said.out == ""
    assert "interrupted before node-1 has taken over; what was sent is kept there" in said.err
    node.join()
    assert journal.runs(node.places.journal) == []
