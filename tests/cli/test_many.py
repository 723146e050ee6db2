"""`deploy`, `plan` and `status` of several stores: side by side, one end, one document."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edgectl.cli.fleet.several import LOOKS_AT_ONCE, Showing
from edgectl.control.audit import own
from edgectl.control.fleet.ended import Ended
from edgectl.control.fleet.watch import Left, Watch
from edgectl.wire.audit import NEWEST
from edgectl.wire.errors import Unreachable
from tests.cli.conftest import Edgectl
from tests.cli.many import Fleet, fleet_of


@pytest.fixture
def fleet(tmp_path: Path, inventory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Return four stores."""
    yield from fleet_of(4, inventory, tmp_path / "nodes", monkeypatch)


def test_all_are_deployed_and_a_second_time_nothing_changes(fleet: Fleet, edgectl: Edgectl) -> None:
    """A line each when it ends, one summary, exit 0; what a store alone would have said is in the document."""
    said = edgectl("deploy", "--all")
    assert said.code == 0, said
    assert said.out.startswith("READY 4\n4 stores (store-...), 4 changed, ")
    assert sorted(line.split()[1] for line in said.err.splitlines()) == sorted(fleet.nodes)
    assert all(line.startswith("  ready ") and " 1 change, " in line for line in said.err.splitlines())
    again = edgectl("deploy", "store-00*", "-o", "json").document
    assert (again["format"], again["command"], again["counts"]["ok"]) == (1, "deploy", 4)
    assert [one["store"] for one in again["stores"]] == sorted(fleet.nodes)
    assert [one["document"]["changed"] for one in again["stores"]] == [[], [], [], []]
    alone = edgectl("deploy", "store-002", "-o", "json").document
    assert alone.keys() - {"exit", "format"} == again["stores"][1]["document"].keys()
    assert edgectl("status", "--all").out.startswith("READY 4\n4 stores")
    assert edgectl("plan", "group:eu", "--exit-code").out.startswith("READY 2\n2 stores (store-...), 0 B to send")


def test_one_store_never_affects_another(fleet: Fleet, edgectl: Edgectl) -> None:
    """Law: ok, failed, unreachable, degraded are apart, each store as it would be alone; exit 8.

    Seeded fault: an error of one store that ends the command.
    """
    fleet.declare("store-002", "bad")
    fleet.declare("store-004", "thin")
    fleet.nodes["store-003"].silent = frozenset({"10.77.0.3"})
    said = edgectl("deploy", "--all")
    assert said.code == 8, said
    first, *rows = said.out.splitlines()
    assert first == "READY 1   DEGRADED 1   NOT READY 1   UNREACHABLE 1"
    assert [" ".join(row.split()) for row in rows if not row.startswith(" " * 5)][:3] == [
        "DEGRADED 004 GPU-1 is dead",
        "NOT READY 002 inference: the model does not load",
        "UNREACHABLE 003 node-1 (root@10.77.0.3:22) did not answer within 15 s",
    ]
    outcomes = {
        one["store"]: (one["outcome"], one["exit"]) for one in _stores(edgectl("deploy", "--all", "-o", "json"))
    }
    assert outcomes == {
        "store-001": ("ok", 0),
        "store-002": ("failed", 5),
        "store-003": ("unreachable", 4),
        "store-004": ("degraded", 9),
    }
    for name, (_, code) in outcomes.items():
        assert edgectl("deploy", name).code == code
    assert edgectl("deploy", "store-001, store-004").code == 9
    assert edgectl("deploy", "store-003, store-002").code == 8


def _stores(said: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = said.document["stores"]  # type: ignore[attr-defined]
    return found


def test_the_same_trouble_in_many_stores_is_one_row(fleet: Fleet, edgectl: Edgectl) -> None:
    """Addresses differ, the cause does not; where all fail alike, that is the exit code: 5, or 4 where none answers."""
    for number, node in enumerate(fleet.nodes.values(), 1):
        node.silent = frozenset({f"10.77.0.{number}"})
    said = edgectl("status", "--all")
    assert said.code == 4, said
    assert said.out.splitlines()[0] == "UNREACHABLE 4"
    assert said.out.count("did not answer") == 1
    assert "001 002 003 004" in said.out
    (cause,) = edgectl("status", "--all", "-o", "json").document["causes"]
    assert cause["reason"] == "node-1 (root@...) did not answer within 15 s"
    assert cause["stores"] == sorted(fleet.nodes)
    fleet.inventory.write_text(fleet.inventory.read_text().replace('"good"', '"bad"'))
    for node in fleet.nodes.values():
        node.silent = frozenset()
    assert edgectl("deploy", "--all").code == 5
    assert edgectl("status", "--all").code == 5


def test_stores_that_would_change_alike_are_one_row(fleet: Fleet, edgectl: Edgectl) -> None:
    """A plan says what would change where; exit 10 only where it was asked for."""
    edgectl("deploy", "store-001")
    said = edgectl("plan", "--all")
    assert said.code == 0, said
    assert "READY 1   WOULD CHANGE 3\n" in said.out
    assert "  WOULD CHANGE    002 003 004  host files; " in said.out
    assert "next: edgectl deploy store-002" in said.out
    assert edgectl("plan", "--all", "--exit-code").code == 10
    assert not fleet.nodes["store-002"].file("etc/motd").exists()


def test_changed_by_hand_is_pending(fleet: Fleet, edgectl: Edgectl) -> None:
    """As of one store: exit 10, not as deployed."""
    edgectl("deploy", "--all")
    fleet.nodes["store-003"].file("etc/motd").write_text("by hand")
    said = edgectl("status", "group:eu")
    assert said.code == 10, said
    assert "READY 1   NOT AS DEPLOYED 1" in said.out
    assert "003" in said.out


def test_a_store_that_is_wrong_in_the_inventory_stops_no_other(fleet: Fleet, edgectl: Edgectl) -> None:
    """Its line is named; nothing is sent to it; the others are deployed."""
    fleet.inventory.write_text(fleet.inventory.read_text().replace("10.77.0.2,", "10.77.0.2, gpuss: 1,"))
    said = edgectl("deploy", "--all")
    assert said.code == 8, said
    assert "READY 3   INVALID 1" in said.out
    assert 'unknown key "gpuss"' in " ".join(said.out.split())
    assert fleet.nodes["store-002"].sessions == []


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_what_ends_many_stores_is_annotated_once(
    fleet: Fleet, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Law: the line of the inventory once, however many stores it is wrong for; and the same trouble of many once.

    Seeded: only documents of stores are annotated. Also: one command for each store's own words.
    """
    monkeypatch.setenv("EDGECTL_ANNOTATIONS", "github")
    for number, node in enumerate(fleet.nodes.values(), 1):
        node.silent = frozenset({f"10.77.0.{number}"})
    said = _annotations(edgectl(command, "--all").err)
    assert [line.partition("::node-1")[0] for line in said] == ["::error title=store-001 and 3 more%2C exit 4"]
    assert said[0].count("next: ") == 1
    fleet.inventory.write_text(fleet.inventory.read_text().replace("bundle: bundle", "bundle: nowhere"))
    alone = _annotations(edgectl(command, "store-001").err)
    assert _annotations(edgectl(command, "--all").err) == alone
    assert "inventory.yaml,line=2,col=" in alone[0]


def _annotations(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("::")]


def test_at_most_so_many_at_once(fleet: Fleet, edgectl: Edgectl) -> None:
    """`--at-once 1` is one after the other; without it they overlap."""
    assert edgectl("status", "--all", "--at-once", "1").code == 5
    assert fleet.most == 1
    together = threading.Barrier(4, timeout=10)

    def before(name: str) -> None:
        del name
        together.wait()

    fleet.before = before
    edgectl("status", "--all")
    assert fleet.most == 4


def test_a_bug_with_one_store_is_that_stores_end(fleet: Fleet, edgectl: Edgectl) -> None:
    """Law: what edgectl has no sentence for is told of the store where it happened, with its traceback."""

    def before(name: str) -> None:
        if name == "store-002":
            raise ZeroDivisionError("on purpose")

    fleet.before = before
    document = edgectl("deploy", "--all", "-o", "json").document
    assert document["exit"] == 8
    assert document["counts"] | {"ok": 3, "failed": 1} == document["counts"]
    assert document["stores"][1]["error"]["exit"] == 1
    assert "ZeroDivisionError" in document["stores"][1]["error"]["details"][-1]


def test_ctrl_c_says_what_was_begun(fleet: Fleet, edgectl: Edgectl) -> None:
    """Law: nodes that were given a deploy go on; nothing more is begun; each store is named; exit 130.

    The audit here has one end for each thing that was asked. Seeded: the end is left to the thread that does it.
    """
    fleet.declare("store-002", "slow")
    node, hold = fleet.nodes["store-002"], threading.Event()

    def before(name: str) -> None:
        if name == "store-003":
            node.until(lambda: node.runs == 1)
            node.until(lambda: any(node.places.journal.glob("*.jsonl")))
            node.until(lambda: any(frame["op"] == "event" for frame in list(node.heard)))  # the operator knows the run
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            hold.wait(10)
            raise Unreachable("too late")

    fleet.before = before
    junit = fleet.inventory.parent / "j.xml"
    said = edgectl("deploy", "--all", "--at-once", "2", "--junit", str(junit), "-o", "json")
    ends = {name: _ends(name) for name in fleet.nodes}  # before the threads go on: they do not outlive the process
    hold.set()
    assert said.code == 130, said
    outcomes = {one["store"]: one["outcome"] for one in said.document["stores"]}
    assert outcomes == {"store-001": "ok", "store-002": "begun", "store-003": "not begun", "store-004": "not begun"}
    assert said.document["stores"][1]["run"]
    assert fleet.nodes["store-004"].sessions == []
    node.file("etc/motd").write_text("good")
    node.join()
    assert "GOES ON" not in said.out
    assert {name: [end["outcome"]["exit"] for end in found] for name, found in ends.items()} == {
        "store-001": [0],
        "store-002": [130],
        "store-003": [130],
        "store-004": [],
    }
    assert ends["store-002"][0]["run"] == said.document["stores"][1]["run"]
    assert set(ends["store-002"][0]["seen"]) == {"node-1"}
    _is_an_interruption(junit, "store-002", f"goes on by itself (run {ends['store-002'][0]['run']})")
    _is_an_interruption(junit, "store-004", "before it was given anything")


def _is_an_interruption(junit: Path, store: str, words: str) -> None:
    """Law: of a store that is left CI reads an error, with the run and what to do next. Seeded: "no verdict"."""
    suite = next(one for one in ET.parse(junit).getroot() if one.get("name") == store)  # noqa: S314 - our own
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
    found = suite.find("testcase/error")
    assert found is not None
    assert found.get("type") == "Interrupted"
    assert words in found.get("message", "")
    assert "\nnext: " in (found.text or "")
    assert (found.text or "").endswith("\nexit 130")


@pytest.mark.usefixtures("inventory")
def test_an_end_is_written_once() -> None:
    """Law: a thread that ends after it was left writes no second end; what is left before it begins asks nothing."""
    with own.audited("store-001", "deploy") as learnt:
        learnt.interrupted()
    assert [end["outcome"] for end in _ends("store-001")] == [{"exit": 130}]
    with pytest.raises(ZeroDivisionError), own.audited("store-001", "deploy"):
        raise ZeroDivisionError
    assert _ends("store-001")[1]["outcome"] == {"exit": 1, "error": "ZeroDivisionError"}
    watch = Watch()
    watch.leave()
    with pytest.raises(Left), watch.begins():
        raise AssertionError


def _ends(store: str) -> list[dict[str, Any]]:
    """Return the ends in a store's audit here, each of which follows what was asked."""
    path = own.root() / store / NEWEST
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    phases = [line["phase"] for line in lines if line.get("phase")]
    assert phases == ["asked", "ended"] * (len(phases) // 2), phases
    return [line for line in lines if line.get("phase") == "ended"]


def test_what_each_store_has_come_to_is_handed_on(fleet: Fleet) -> None:
    """Whoever writes reports gets (command, ends): each the store's own document, with the last word of each step."""
    from edgectl.cli.fleet.look import stands
    from edgectl.cli.options import Format

    handed: list[tuple[str, list[Ended]]] = []
    fleet.nodes["store-002"].silent = frozenset({"10.77.0.2"})
    code = stands(
        "store-001, store-002",
        fleet.inventory,
        Showing(None, Format.JSON, False, [lambda command, ended: handed.append((command, list(ended)))]),
    )
    assert code == 8
    ((command, (one, other)),) = handed
    assert (command, one.store, other.store) == ("status", "store-001", "store-002")
    assert other.document is None
    assert other.error is not None
    assert other.error.exit == 4


def test_fifty_looks_go_out_at_once() -> None:
    """A retailer's first fifty stores are asked together: what one takes, all take."""
    assert LOOKS_AT_ONCE >= 50


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("command", ["deploy", "plan", "status"])
def test_nobody_is_meant(edgectl: Edgectl, command: str) -> None:
    """A group that does not exist, a selector that means nothing, none at all, and two: 3 and 2, each with a way on."""
    said = edgectl(command, "group:euu")
    assert (said.code, 'there is no group "euu". Did you mean "eu"?' in said.err) == (3, True)
    assert "its stores are" in said.err and "its groups" in said.err  # noqa: PT018 - one hint
    said = edgectl(command, "not store-*")
    assert said.code == 3
    assert '"not store-*" selects none of the 4 stores' in said.err
    assert "next: its stores are store-001, store-002, store-003, store-004; its groups eu, us" in said.err
    assert (edgectl(command).code, edgectl(command, "group:eu and").code) == (2, 2)
    assert edgectl(command, "store-001", "--all").code == 2
    assert edgectl(command, "--all", "--at-once", "0").code == 2
    assert edgectl(command, "store-01").code == 3
