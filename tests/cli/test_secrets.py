"""Law 10 through the real entry point: values go to the node, and are seen nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import push
from edgectl.node.secrets import values as node_values
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode
from tests.laws.fake_store import mutant

ENV, FILE = "hunter2-of-the-environment", "hunter3-of-a-file"


@pytest.fixture
def secretive(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of a store with two secrets, whose values lie here."""
    folder = inventory.parent / "laptop"
    folder.mkdir()
    (folder / "token").write_text(FILE + "\n")
    monkeypatch.setenv("APP_PASSWORD", ENV)
    said = """  secrets:
    app: {namespaces: [vision], keys: {PASSWORD: {env: APP_PASSWORD}}}
    token: {namespaces: [vision], keys: {TOKEN: {file: laptop/token, version: "3"}}}
stores:
"""
    inventory.write_text(inventory.read_text().replace("stores:\n", said))
    return folder


def hunt(node: StoreNode, said: str, *values: str) -> None:
    """Look for values in all that was said, and in every file of the node but the one that keeps them."""
    for value in values:
        assert value not in said
        for path in node.places.root.rglob("*"):
            if path.is_file() and path != node.places.secret_values:
                assert value.encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("secretive")
def test_a_value_is_seen_nowhere(node: StoreNode, edgectl: Edgectl) -> None:
    """Law 10: not in output, payload, blobs, journal or slots, whichever command; one file of the node has it."""
    said = rendered = edgectl("render", "store-042").out
    assert "  secret    token  in vision: TOKEN (version 3)" in rendered
    for words in (
        ("render", "-o", "json"),
        ("plan", "-v"),
        ("deploy", "-v"),
        ("deploy", "-o", "json"),
        ("status", "-o", "json"),
        ("journal",),
        ("history", "-o", "json"),
    ):
        found = edgectl(words[0], "store-042", *words[1:])
        assert found.code == 0, found
        said += found.out + found.err
    assert json.loads(node.places.secret_values.read_text()) == {"app": {"PASSWORD": ENV}, "token": {"TOKEN": FILE}}
    hunt(node, said, ENV, FILE)


def test_all_that_is_missing_is_said_at_once(
    secretive: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3, every reference in one error, and no node was asked; a plan and a rendering need no value."""
    monkeypatch.delenv("APP_PASSWORD")
    (secretive / "token").unlink()
    document = edgectl("deploy", "store-042", "-o", "json").document
    assert (document["exit"], document["error"]) == (3, "InvalidInput")
    lines = "\n".join(document["details"])
    assert "secret app, PASSWORD: the environment variable APP_PASSWORD is not set" in lines
    assert f"secret token, TOKEN: the file {secretive}/token cannot be read: No such file or directory" in lines
    assert node.sessions == []
    assert edgectl("plan", "store-042").code == edgectl("render", "store-042").code == 0


@pytest.mark.usefixtures("secretive")
def test_a_rotated_value_comes_with_the_same_payload(
    node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same sequence; the node keeps the newest alone."""
    first = edgectl("deploy", "store-042", "-o", "json").document
    monkeypatch.setenv("APP_PASSWORD", "hunter4-rotated")
    again = edgectl("deploy", "store-042", "-o", "json")
    assert again.document["payload"] == first["payload"]
    assert json.loads(node.places.secret_values.read_text())["app"] == {"PASSWORD": "hunter4-rotated"}
    hunt(node, again.out + again.err, ENV, "hunter4-rotated")
    assert not [path for path in node.places.state.rglob("*") if path.is_file() and ENV.encode() in path.read_bytes()]


def test_going_back_uses_the_newest(inventory: Path, secretive: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """A rollback brings no values; what is here is the newest, whatever it goes back to."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    (secretive / "token").write_text("hunter5-newest")
    assert edgectl("deploy", "store-042").code == 0
    assert edgectl("rollback", "store-042").code == 0
    assert json.loads(node.places.secret_values.read_text())["token"] == {"TOKEN": "hunter5-newest"}


@pytest.mark.usefixtures("secretive")
def test_the_law_bites(node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded fault: a node that keeps what came in its journal's folder, too, is found."""
    old = "    write_atomic(places.secret_values, canonical(kept), mode=0o600)\n"
    faulty: Any = mutant(node_values, (old, f"{old}    write_atomic(places.journal / 'seen', canonical(kept))\n"))
    monkeypatch.setattr(push, "keep_values", faulty.keep_values)
    said = edgectl("deploy", "store-042")
    with pytest.raises(AssertionError):
        hunt(node, said.out + said.err, ENV, FILE)
