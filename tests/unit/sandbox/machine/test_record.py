"""A store's record is read as it was written; what is no record is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.sandbox.machine.places import StorePlace
from edgectl.sandbox.machine.record import NodeRecord, StoreRecord
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.supervisor import machine_name
from edgectl.wire.errors import InvalidInput

NODE = NodeRecord("node-1", "10.77.0.11", 22042, "ssh-ed25519 AAAA", 2, 1)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    StoreRecord("store-042", (NODE,)).save(tmp_path / "store.json")
    assert StoreRecord.load(tmp_path / "store.json") == StoreRecord("store-042", (NODE,))


def test_a_record_of_before_has_nodes_with_a_driver(tmp_path: Path) -> None:
    """A store that is up outlives an update of edgectl."""
    StoreRecord("store-042", (NODE,)).save(tmp_path / "store.json")
    text = (tmp_path / "store.json").read_text()
    doc = json.loads(text)
    del doc["nodes"][0]["bare"]
    (tmp_path / "store.json").write_text(json.dumps(doc))
    assert StoreRecord.load(tmp_path / "store.json") == StoreRecord("store-042", (NODE,))


def test_a_missing_node_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(InvalidInput, match="no node 'node-9'") as caught:
        StoreRecord("store-042", (NODE,)).node("node-9")
    assert caught.value.hint == "It has node-1."


@pytest.mark.parametrize("text", ["", "{", '{"name": "x"}', '{"name": "x", "nodes": [], "more": 1}'])
def test_what_is_no_record_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"store\.json is no sandbox store's record"):
        StoreRecord.load(tmp_path / "store.json")


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "..", "x" * 41])
def test_a_name_that_cannot_name_a_network_is_refused(name: str) -> None:
    """Names become parts of paths, namespaces and control groups."""
    with pytest.raises(InvalidInput, match="is no store name"):
        Sandbox().saved(name)


def test_machine_names_of_different_nodes_differ(tmp_path: Path) -> None:
    """The name of the control groups: one is never the other's."""
    pairs = [("a", "node-1"), ("a", "node-11"), ("a-node-1", "node-1"), ("a-1", "node-1")]
    assert len({machine_name(StorePlace(tmp_path / store), node) for store, node in pairs}) == len(pairs)
