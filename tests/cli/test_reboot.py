"""`edgectl deploy` over a restart of the node's machine: one command, one run, and what is said meanwhile."""

from __future__ import annotations

import re
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli.main import run
from edgectl.control.deploy import deploy as conversation
from edgectl.control.deploy import followed, restarting
from edgectl.node.converge import journal
from edgectl.node.reboot import step
from edgectl.wire import event
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import MOTD, StoreNode

NEEDED = "driver: the kernel runs NVIDIA 550.1, 560.2 is installed"


class Noon:
    """A Monday's."""

    @staticmethod
    def now(zone: Any) -> datetime:
        """Return it."""
        return datetime(2040, 11, 26, 12, 0, tzinfo=UTC).astimezone(zone)


@pytest.fixture(autouse=True)
def _declared(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the inventory say something of the system, and nobody wait for seconds."""
    inventory.write_text(inventory.read_text().replace("host: {files", "host: {modules: [nvidia], files"))
    monkeypatch.setattr(conversation, "_RESTART_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(followed, "_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(step, "datetime", Noon)


def _nights(inventory: Path) -> None:
    text = (
        "    title: Berlin\n    timezone: UTC\n    windows: {reboot: [{days: [mon], start: '22:00', end: '05:00'}]}\n"
    )
    inventory.write_text(inventory.read_text().replace("    title: Berlin\n", text))


def _runs(node: StoreNode) -> list[str]:
    return [path.name for path in journal.runs(node.places.journal)]


def _told(node: StoreNode) -> int:
    """Return how many have heard that the machine restarts."""
    return sum(frame.get("event", {}).get("word") == event.REBOOTING for frame in list(node.heard))


def test_one_command_goes_over_the_restart(node: StoreNode, edgectl: Edgectl) -> None:
    """Law: it shows why, waits, re-attaches by itself, and ends with the run's own verdict; no link is called lost."""
    node.restart, began = NEEDED, time.monotonic()
    said = edgectl("deploy", "store-042")
    assert said.code == 0, said
    assert f"  restart   node-1 restarts: {NEEDED}\n" in said.err
    back, away = (re.search(rf"{words} (\d+\.\d) s", said.err + said.out) for words in ("is back after", "away for"))
    assert back is not None
    assert away is not None
    assert back[1] == away[1]
    assert 0.2 < float(away[1]) <= time.monotonic() - began
    assert "link lost" not in said.err
    assert "starting again" not in said.err
    assert "2 changes" in said.out
    assert f"  restart   node-1: {NEEDED}; away for {away[1]} s" in said.out
    assert said.err.count("changed   host files") == 1, "nothing is shown twice"
    assert len(_runs(node)) == 1
    assert node.file(MOTD).read_text() == "good"
    second = edgectl("deploy", "store-042")
    assert "Nothing to change" in second.out
    assert node.boot == "boot-1+", "a second deploy restarts nothing"


def test_as_json_restarts_are_listed(node: StoreNode, edgectl: Edgectl) -> None:
    """Which machine, why, how long; none is an empty list."""
    node.restart = NEEDED
    document = edgectl("deploy", "store-042", "-o", "json").document
    (one,) = document["reboots"]
    assert (one["node"], one["reason"]) == ("node-1", NEEDED)
    assert 0.2 < one["seconds"] < 20
    assert document["changed"] == ["host-files", "reboot"]
    assert document["verdict"]["reboots"] == [NEEDED]
    assert edgectl("deploy", "store-042", "-o", "json").document["reboots"] == []


def test_a_bad_version_is_still_turned_down_behind_its_restart(
    inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """The verdict is the candidate's, and what ran before runs again."""
    edgectl("deploy", "store-042")
    declare(inventory, "bad")
    node.restart = NEEDED
    said = edgectl("deploy", "store-042")
    assert said.code == 5
    assert "Sequence 2 was rejected." in said.out
    assert f"  restart   node-1: {NEEDED}" in said.out
    assert node.file(MOTD).read_text() == "good"


def test_outside_its_hours_it_is_said_and_nothing_is_turned_down(
    inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """Exit 9, when it will be, and how to have it at once; plan says it, too, before and after."""
    _nights(inventory)
    edgectl("deploy", "store-042")
    node.restart = NEEDED
    declare(inventory, "better")
    planned = edgectl("plan", "store-042")
    waits = f"a restart is needed ({NEEDED}): waits for its hours, next Mon 22:00"
    assert f"  restart   {waits}\n            at once: edgectl deploy store-042 --reboot-now\n" in planned.out
    said = edgectl("deploy", "store-042")
    assert said.code == 9
    assert waits in said.out
    assert node.boot == "boot-1"
    assert f"  restart   {waits}" in edgectl("status", "store-042").out
    now = edgectl("deploy", "store-042", "--reboot-now")
    assert now.code == 0, now
    assert f"  restart   node-1 restarts: {NEEDED}\n" in now.err
    assert node.boot == "boot-1+"


def test_plan_says_what_would_restart(node: StoreNode, edgectl: Edgectl) -> None:
    """And changes nothing."""
    node.restart = NEEDED
    said = edgectl("plan", "store-042")
    assert f"  restart   the machine would restart: {NEEDED}\n" in said.out
    assert node.boot == "boot-1"


def test_a_machine_that_does_not_come_back_is_named(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4: for how long it was waited for, and what to do; later the same command re-attaches, or finds it done."""
    monkeypatch.setattr(restarting, "AWAY_SECONDS", 0.5)
    node.restart, node.off_seconds = NEEDED, 3.0
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 4
    assert said.document["message"].startswith("node-1 has not come back from its restart within ")
    assert NEEDED in said.document["message"]
    assert "its screen, its power and its network" in said.document["hint"]
    node.until(lambda: node.boot == "boot-1+" and node.refuses is None)
    again = edgectl("deploy", "store-042")
    assert again.code == 0
    node.join()


def test_ctrl_c_says_that_it_restarts(node: StoreNode, edgectl: Edgectl) -> None:
    """What goes on without us, and how to watch it."""
    node.restart, node.off_seconds = NEEDED, 2.0
    interrupt = threading.Thread(target=_press_ctrl_c, args=(node,))
    interrupt.start()
    said = edgectl("deploy", "store-042", "-o", "json")
    interrupt.join(20)
    assert said.code == 130
    assert "stopped watching; node-1 restarts now, and then goes on by itself (run " in said.document["message"]
    node.join()
    assert node.file(MOTD).read_text() == "good"


def _press_ctrl_c(node: StoreNode) -> None:
    node.until(lambda: node.refuses is not None and _told(node) > 0)
    signal.raise_signal(signal.SIGINT)


def test_who_follows_the_journal_goes_over_the_restart_too(node: StoreNode, edgectl: Edgectl) -> None:
    """Law: a second person who only watches sees the same run to its verdict: exit 0, each line once."""
    node.restart, node.off_seconds, node.one_at_a_time = NEEDED, 1.0, False
    node.goes_down = lambda: _told(node) > 1  # both of them
    deploying = threading.Thread(target=run, args=(["deploy", "store-042"],), daemon=True)
    deploying.start()
    node.until(lambda: bool(_runs(node)))
    said = edgectl("journal", "store-042", "--follow")
    deploying.join(20)
    assert said.code == 0, said
    assert said.out.count("  changed   host files") == 1, said.out
    assert "  rebooting " in said.out
    # What the first person is told comes on the same stdout here, before or after it.
    assert sum(line.endswith(" s  ready") for line in said.out.splitlines()) == 1, said.out
    assert "node-1 restarts; this goes on when it is back ..." in said.err
    assert "node-1 is back" in said.err
    assert len(_runs(node)) == 1
