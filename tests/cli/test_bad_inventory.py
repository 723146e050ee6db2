"""Whatever is wrong with inventory or bundle is said with its line, exit 3, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tests.inventory_cases import Case, cases

CASES = {
    "unknown store, nearest named": (("store-042:", "store-024:"), ("has no store", "Did you mean store-024?")),
    "broken YAML": (("stores:", "stores: ["), ("broken YAML", "inventory.yaml:")),
    "a tab": (("  store-042:", "\tstore-042:"), ("inventory.yaml:7:1  a tab stands here",)),
    "unknown key": (
        ("title:", "titel:"),
        ('inventory.yaml:8:5  unknown key "titel" in store-042. Did you mean "title"?',),
    ),
    "wrong type": (("title: Berlin", "title: [1]"), ("inventory.yaml:8:12  ",)),
    "no nodes": (("nodes: {node-1", "nodes: {} # {node-1"), ("store-042", "node")),
    "a node without address": (("address: 10.77.0.11, ", ""), ("node-1 needs its address",)),
    "no host key": ((", host_key: ssh-ed25519", ", host_key: ssh-nothing"), ("inventory.yaml:9:",)),
    "no bundle": (("bundle: bundle", "bundle: none"), ("inventory.yaml:2:9  ", "there is no bundle at")),
    "k3s not in the bundle": (("v1.36.3", "v1.36.4"), ("k3s v1.36.4+k3s1 is not in the bundle",)),
    "an image not in the bundle": (("    title:", "    images: [camera]\n    title:"), ("image camera is not in",)),
    "more GPUs required than there are": (
        ("    title:", "    gpu: {count: 1, required: 2}\n    title:"),
        ("gpu.required: 2 of 1 GPUs can never be there",),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["render", "plan", "deploy"])
def test_it_is_said_with_its_line(case: str, command: str, inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Nothing on stdout, the line and what to do on stderr; as JSON one document; the node stays bare."""
    (old, new), sentences = CASES[case]
    assert old in inventory.read_text()
    inventory.write_text(inventory.read_text().replace(old, new))
    said = edgectl(command, "store-042")
    assert (said.code, said.out) == (3, "")
    for sentence in sentences:
        assert sentence in said.err
    assert "  next: " in said.err
    document = edgectl(command, "store-042", "-o", "json").document
    assert (document["error"], document["docs"]) == ("InvalidInput", "inventory")
    node.join()
    assert not node.places.slots.exists()
    assert not node.places.blobs.exists()


def test_all_errors_come_at_once(inventory: Path, edgectl: Edgectl) -> None:
    """In the order of the file, counted, and said once each."""
    text = inventory.read_text().replace("title:", "titel:").replace("k3s: {", "k3s: {verzion: 1, ")
    inventory.write_text(text)
    said = edgectl("deploy", "store-042")
    assert f"2 errors in {inventory}, nothing was sent" in said.err
    first, second = (line for line in said.err.splitlines() if "unknown key" in line)
    assert "verzion" in first
    assert "titel" in second


@pytest.mark.parametrize("command", ["render", "plan", "deploy", "status", "journal", "resume", "ssh"])
def test_no_inventory(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl) -> None:
    """The first thing that a new user meets names the two ways on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGECTL_INVENTORY", raising=False)
    said = edgectl(command, "store-042")
    assert (said.code, said.out) == (3, "")
    assert "there is no inventory at stores/inventory.yaml" in said.err
    assert "edgectl init" in said.err
    assert "--inventory" in said.err


def test_a_store_without_any(inventory: Path, edgectl: Edgectl) -> None:
    """An inventory that has no stores yet says so."""
    inventory.write_text("version: 1\nbundle: bundle\n")
    said = edgectl("deploy", "store-042")
    assert said.code == 3
    assert "has no stores yet" in said.err


@pytest.mark.parametrize("case", cases()[::8], ids=lambda case: case.name)
def test_what_is_wrong_is_said_as_it_is(case: Case, inventory: Path, edgectl: Edgectl) -> None:
    """Law: every eighth malformed inventory says through the real entry point what its file says, and no traceback."""
    inventory.write_bytes(case.data)
    said = edgectl("render", "store-042")
    assert (said.code, said.out) == (3, "")
    assert all(sentence in said.err for sentence in case.expected)
    assert "Traceback" not in said.err
    assert "hunter2" not in said.err
