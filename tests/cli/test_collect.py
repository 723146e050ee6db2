"""`edgectl collect`: each entry once, whatever breaks, and nobody else's are taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.outbox.queue import entries
from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import StoreNode


def rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the lines of a record."""
    path = folder / "store-042" / "node-1" / f"{kind}s.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def journals(folder: Path) -> list[Path]:
    """Return the journals of a record."""
    return sorted((folder / "store-042" / "node-1" / "journals").glob("*.jsonl"))


@pytest.fixture
def record(tmp_path: Path, inventory: Path) -> Path:  # noqa: ARG001 - its folders are this one's
    """Return where a user's record lies when nothing is said."""
    return tmp_path / "state" / "edgectl" / "collected"


def test_it_brings_what_a_deploy_has_left(record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """A beat, a verdict, the journal word for word; then nothing is new, and nothing is there twice."""
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    said = edgectl("collect", "store-042")
    assert said.code == 0, said
    assert (
        "store-042/node-1  ready for 0.0 s at its last beat  1 beat, 1 verdict, 1 journal, 3 lines of audit new ("
        in said.out
    )
    assert f"the record is in {record}" in said.out
    (beat,), (verdict,), (journal,) = rows(record, "beat"), rows(record, "verdict"), journals(record)
    assert (beat["store"], beat["node"], beat["word"], beat["runs"], beat["n"]) == (
        "store-042",
        "node-1",
        "ready",
        1,
        3,
    )
    assert (verdict["kind"], verdict["word"], verdict["sequence"]) == ("deploy", "ready", 1)
    kept = next(node.places.journal.glob("*.jsonl"))
    assert journal.read_bytes() == kept.read_bytes()
    assert verdict["run"] in journal.name
    again = edgectl("collect", "store-042", "-o", "json").document
    assert again["nodes"]["store-042/node-1"]["new"] == {}
    assert again["nodes"]["store-042/node-1"]["link_bytes"] < 1500  # the greeting, one question
    assert (len(rows(record, "beat")), len(rows(record, "verdict")), len(journals(record))) == (1, 1, 1)


def test_two_operators_both_get_all(tmp_path: Path, record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: a collect takes nothing away."""
    edgectl("deploy", "store-042")
    node.join()
    edgectl("collect")
    had = entries(node.places.outbox)
    assert edgectl("collect", "--to", str(tmp_path / "other")).code == 0
    for kind in ("beat", "verdict"):
        mine, theirs = ([{**row, "got": ""} for row in rows(place, kind)] for place in (record, tmp_path / "other"))
        assert mine == theirs != []
    assert entries(node.places.outbox) == had


def test_only_what_is_newer_travels(record: Path, inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The record itself says how far it is."""
    edgectl("deploy", "store-042")
    node.join()
    edgectl("collect")
    declare(inventory, "better")
    edgectl("deploy", "store-042")
    node.join()
    assert edgectl("collect", "-o", "json").document["nodes"]["store-042/node-1"]["new"] == {
        "beat": 1,
        "verdict": 1,
        "journal": 1,
    }
    assert [row["runs"] for row in rows(record, "beat")] == [1, 2]
    assert len({path.name for path in journals(record)}) == 2


def test_a_node_made_anew_begins_anew(record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: another disk counts from one again, and is not taken for what was here already."""
    import shutil

    edgectl("deploy", "store-042")
    node.join()
    edgectl("collect")
    shutil.rmtree(node.places.state)
    edgectl("deploy", "store-042")
    node.join()
    assert edgectl("collect", "-o", "json").document["nodes"]["store-042/node-1"]["new"]["beat"] == 1
    boxes = [row["box"] for row in rows(record, "beat")]
    assert len(boxes) == 2
    assert boxes[0] != boxes[1]


def test_a_link_that_breaks_anywhere(record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: at whichever frame it breaks, the next collect has each entry once; exit 4 names the node.

    Seeded: a record that is written after the last entry only.
    """
    edgectl("deploy", "store-042")
    node.join()
    at = 0
    while True:
        at += 1
        node.sessions.clear()
        node.breaks_at, node.frames = at, 0
        place = record.parent / f"try-{at}"
        said = edgectl("collect", "--to", str(place))
        if said.code == 0:
            assert at > 5
            return
        assert said.code == 4, said
        assert "store-042/node-1  not asked: the link" in said.out
        had = len(rows(place, "beat")) + len(rows(place, "verdict")) + len(journals(place))
        node.breaks_at = 0
        new = edgectl("collect", "--to", str(place), "-o", "json").document["nodes"]["store-042/node-1"]["new"]
        assert had + sum(new.values()) == 3
        assert (len(rows(place, "beat")), len(rows(place, "verdict")), len(journals(place))) == (1, 1, 1)


def test_a_torn_line_is_cut_off(record: Path, inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: what a kill has left of a line goes, what is whole stays, and the entry comes again."""
    edgectl("deploy", "store-042")
    node.join()
    edgectl("collect")
    path = record / "store-042" / "node-1" / "beats.jsonl"
    whole = path.read_bytes()
    declare(inventory, "better")
    edgectl("deploy", "store-042")
    node.join()
    path.write_bytes(whole + b'{"box": "9f3c", "n": 99999, "wo')
    assert edgectl("collect").code == 0
    assert path.read_bytes().startswith(whole)
    assert [row["runs"] for row in rows(record, "beat")] == [1, 2]


def test_some_are_silent(inventory: Path, record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 8: a store that cannot be reached is named, and is no store that has failed; the others' come."""
    edgectl("deploy", "store-042")
    node.join()
    more = f"  store-043:\n    nodes: {{node-1: {{address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text() + more)
    node.silent = frozenset({"10.77.0.12"})
    said = edgectl("collect")
    assert said.code == 8, said
    assert "store-043/node-1  not asked: node-1 (root@10.77.0.12:22) did not answer within 15 s" in said.out
    assert len(rows(record, "beat")) == 1
    document = edgectl("collect", "-o", "json").document
    assert list(document["unreached"]) == ["store-043/node-1"]
    assert edgectl("collect", "store-043").code == 4


@pytest.mark.usefixtures("inventory")
def test_a_bare_node_tells_nothing(node: StoreNode, edgectl: Edgectl) -> None:
    """Nothing has been deployed: that is said, and is fine."""
    said = edgectl("collect")
    assert said.code == 0, said
    assert "has told nothing yet  nothing new" in said.out
    assert node.places.outbox.exists() is False


def test_one_collect_at_a_time(record: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Two at once would write the same files: the second one says so."""
    from edgectl.control.collect.record import Record

    edgectl("deploy", "store-042")
    node.join()
    with Record(record / "store-042" / "node-1", "store-042", "node-1").held():
        assert "not asked: another collect writes" in edgectl("collect").out


@pytest.mark.usefixtures("inventory")
def test_a_no_op_deploy_stays_small(node: StoreNode, edgectl: Edgectl) -> None:
    """Law: the outbox costs a deploy nothing on the line: what waits is told to who asks."""
    edgectl("deploy", "store-042")
    node.heard.clear()
    assert edgectl("deploy", "store-042").code == 0
    assert not [frame for frame in node.heard if frame["op"] in {"entry", "handed"}]
