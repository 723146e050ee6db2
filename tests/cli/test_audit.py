"""`edgectl audit`: who asked what, on both sides; and what was changed on either is found by the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import audit, session
from edgectl.node.launch import permits
from edgectl.wire.audit import parts
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a chain."""
    return [json.loads(line) for path in parts(folder) for line in path.read_bytes().splitlines()]


def whats(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what each says."""
    return [(row["what"], row.get("phase", "")) for row in rows]


@pytest.fixture
def here(tmp_path: Path, inventory: Path) -> Path:  # noqa: ARG001 - its folders are this one's
    """Return this operator's chain of the store."""
    return tmp_path / "state/edgectl/audit/store-042"


@pytest.fixture
def deployed(node: StoreNode, inventory: Path, edgectl: Edgectl) -> StoreNode:
    """Return a node that was deployed twice, and collected."""
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    declare(inventory, "better")
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    assert edgectl("collect").code == 0
    return node


def test_both_sides_keep_a_deploy(here: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: acceptance and verdict on the node, question and answer here; each side names the other's last line."""
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    theirs, mine = lines(node.places.audit), lines(here)
    assert whats(theirs) == [("begun", ""), ("deploy", "accepted"), ("deploy", "ended")]
    assert whats(mine) == [("begun", ""), ("deploy", "asked"), ("deploy", "ended")]
    taken, ended = theirs[1], theirs[2]
    assert (taken["store"], taken["node"], taken["sequence"]) == ("store-042", "node-1", 1)
    assert taken["by"]["proof"] == "claimed"
    assert taken["by"]["from"].count("@") == 1
    assert taken["peer"].startswith(f"{mine[0]['chain']}:2:")
    chain, n, _ = mine[2]["seen"]["node-1"].split(":")
    assert chain == theirs[0]["chain"]
    assert int(n) in {2, 3}  # the run may have ended before the session says that it has begun
    assert (ended["outcome"]["word"], ended["outcome"]["exit"], ended["run"]) == ("ready", 0, mine[2]["run"])
    assert mine[2]["outcome"] == {"exit": 0, "word": "ready"}


def test_a_cancel_is_in_the_audit_of_the_store_that_was_meant(
    here: Path, node: StoreNode, inventory: Path, edgectl: Edgectl
) -> None:
    """Law: however the store was named; and a name that is none leaves nothing, inside its folder or out of it.

    Seeded: the audit is opened under what was typed.
    """
    text = inventory.read_text().replace("  store-042:\n", "  store-042:\n    groups: [alone]\n")
    inventory.write_text("groups: {alone: {}}\n" + text)
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    assert edgectl("cancel", "group:alone").code == 0
    assert whats(lines(here))[3:] == [("cancel", "asked"), ("cancel", "ended")]
    assert edgectl("cancel", "../../../evil").code == 3
    assert [path.name for path in here.parent.iterdir()] == ["store-042"]
    assert not (here.parents[3] / "evil").exists()


@pytest.mark.usefixtures("inventory")
def test_a_heal_that_changes_nothing_is_no_line(node: StoreNode, edgectl: Edgectl) -> None:
    """Law: the audit of a store at rest does not grow; a heal that has changed something is in it."""
    edgectl("deploy", "store-042")
    node.join()
    had = lines(node.places.audit)
    node._converge()
    assert lines(node.places.audit) == had
    node.file("/etc/motd").write_text("changed by hand")
    node._converge()
    (more,) = lines(node.places.audit)[len(had) :]
    assert (more["what"], more["by"]["proof"], more["outcome"]["changed"]) == ("heal", "engine", ["host-files"])


def test_what_else_is_asked(here: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Pause, resume, rollback, and what was refused, with why."""
    edgectl("deploy", "store-042")
    node.join()
    assert edgectl("pause", "store-042", "--for", "2h", "--why", "new camera").code == 0
    assert edgectl("deploy", "store-042").code == 7
    assert edgectl("resume", "store-042").code == 0
    assert edgectl("cancel", "store-042").code == 0
    node.join()
    mine, theirs = whats(lines(here))[3:], whats(lines(node.places.audit))[3:]
    assert ("pause", "asked") in theirs
    assert ("resume", "asked") in theirs
    assert ("cancel", "asked") in theirs
    assert mine[:4] == [("pause", "asked"), ("pause", "ended"), ("deploy", "asked"), ("deploy", "ended")]
    (paused,) = [row for row in lines(node.places.audit) if row["what"] == "pause"]
    assert paused["asked"]["why"] == "new camera"
    locked = [row for row in lines(here) if row.get("outcome", {}).get("exit") == 7]
    assert "paused by" in locked[0]["reason"]


def test_every_question_is_a_line_or_looks_only() -> None:
    """Law: whoever adds a question says which of the two it is; a deploy's own lines are written where it is taken."""
    looks = permits.LOOKS - {"models"} | {"doctor-bundle", "plan"}
    deploys = {
        "deploy",
        "stage",
        "prefetch",
        "share",
    }  # what is staged or shared is content, and comes to nothing alone
    assert set(audit._DEEDS) == session._QUESTIONS.keys() - looks - deploys
    assert set(audit._DEEDS) & looks == set()


def test_what_opens_a_cluster_or_takes_it_away_is_a_line(
    here: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a backup that is taken or fetched, and a machine made bare; a list, a look, a bare machine are none."""
    edgectl("deploy", "store-042")
    node.join()
    taken = node.places.saved / "20261128T051055Z-s1.backup"
    monkeypatch.setattr("edgectl.node.backup.asked.take", lambda *_: _backup(taken))
    had, mine = len(lines(node.places.audit)), len(lines(here))
    assert edgectl("backup", "store-042", "--list").code == 0
    assert len(lines(node.places.audit)) == had
    edgectl("backup", "store-042")
    assert edgectl("remove", "store-042").code == 2
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 0
    theirs, own = lines(node.places.audit)[had:], lines(here)[mine:]
    assert [(row["what"], row["phase"]) for row in theirs] == [("backup", "asked")] * 2 + [("remove", "asked")]
    assert [row.get("asked", {}).get("deed") for row in theirs] == ["take", "fetch", None]
    assert {row["by"]["from"] for row in theirs} == {own[0]["by"]["from"]}
    assert {row["by"]["key"] for row in theirs} == {node.key}
    assert whats(own) == [(what, phase) for what in ("backup", "remove") for phase in ("asked", "ended")]
    assert own[-1]["outcome"] == {"exit": 0}
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 0
    assert lines(node.places.audit)[had:] == theirs, "nothing was there to take"


def _backup(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"damaged")
    return path


def test_a_rollback_bears_its_name(deployed: StoreNode, edgectl: Edgectl) -> None:
    """It is a deploy for the engine, and a rollback for whoever reads this."""
    assert edgectl("rollback", "store-042").code == 0
    deployed.join()
    assert ("rollback", "accepted") in whats(lines(deployed.places.audit))


@pytest.mark.usefixtures("deployed")
def test_both_are_shown_and_whole(edgectl: Edgectl) -> None:
    """The good case: exit 0, every line counted, who and what on one line each."""
    said = edgectl("audit", "verify", "store-042")
    assert said.code == 0, said
    assert "store-042/here: whole, 5 lines, 1 to 5" in said.out
    assert "store-042/node-1: whole, 5 lines, 1 to 5" in said.out
    shown = edgectl("audit", "show", "store-042")
    assert "deploy    accepted, sequence 2" in shown.out
    assert "[claimed]" in shown.out
    assert edgectl("audit", "show", "store-042", "--since", "2h", "-o", "json").document["rows"]
    assert edgectl("audit", "show", "--since", "2100-01-01").out == "nothing was asked in that time\n"
    assert edgectl("audit", "show", "--since", "never").code == 2


@pytest.mark.usefixtures("inventory")
def test_nothing_to_verify_is_not_fine(edgectl: Edgectl) -> None:
    """Law: no check passes on nothing."""
    said = edgectl("audit", "verify", "store-042")
    assert said.code == 5
    assert "edgectl collect store-042" in said.err


def test_a_node_that_was_cut_short_is_found(deployed: StoreNode, edgectl: Edgectl) -> None:
    """Law: a line that the operator has seen must be there at the next collect, and both stories are kept."""
    path = deployed.places.audit / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert edgectl("collect").code == 0
    said = edgectl("audit", "verify", "store-042")
    assert said.code == 6
    assert "its end is gone" in said.out
    assert "collected/store-042/node-1/audit.was-1.jsonl:5" in said.out


def test_a_node_that_was_written_again_is_found(deployed: StoreNode, edgectl: Edgectl) -> None:
    """Law: a chain that is right by itself and not the one that was seen."""
    for path in parts(deployed.places.audit):
        path.unlink()
    edgectl("deploy", "store-042")
    deployed.join()
    edgectl("collect")
    said = edgectl("audit", "verify", "store-042")
    assert said.code == 6
    assert "has begun anew" in said.out


@pytest.mark.usefixtures("deployed")
def test_the_operators_own_end_is_in_the_nodes(here: Path, edgectl: Edgectl) -> None:
    """Law: an end that is cut off here stands on the node."""
    path = here / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    said = edgectl("audit", "verify", "store-042")
    assert said.code == 6
    assert "store-042/here: CANNOT BE BELIEVED" in said.out


def test_an_engine_that_keeps_none(deployed: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a node with an older engine is collected as it was."""
    monkeypatch.delitem(session._QUESTIONS, "audit")
    assert edgectl("collect").code == 0
    assert deployed.places.audit.is_dir()


def test_the_audit_cannot_be_written(node: StoreNode, inventory: Path, edgectl: Edgectl) -> None:
    """Law: that turns no deploy down; this side says so."""
    del inventory
    node.places.state.mkdir(parents=True, exist_ok=True)
    node.places.audit.write_text("in the way")
    Path(node.places.root.parent / "state/edgectl").mkdir(parents=True, exist_ok=True)
    (node.places.root.parent / "state/edgectl/audit").write_text("in the way")
    said = edgectl("deploy", "store-042")
    assert said.code == 0, said
    assert "the audit here takes no line" in said.err
