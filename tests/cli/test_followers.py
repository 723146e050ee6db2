"""Nodes that follow, taken off and replaced: what the cluster still knows of them goes with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.link.hostkey import pinned
from edgectl.node.backup import forget
from edgectl.node.io.places import Places
from edgectl.wire.errors import Refused, Unreachable
from tests.cli.conftest import KEY, Edgectl
from tests.cli.node import StoreNode
from tests.cli.test_audit import lines, whats
from tests.cli.test_keys import trusted
from tests.unit.node.backup import server

REMOVE = ("remove", "store-042", "--node", "node-2", "--yes-remove", "store-042")


@dataclass
class Pair:
    """A lead, and a follower that may be off."""

    lead: StoreNode
    follower: StoreNode
    off: set[str] = field(default_factory=set)
    forgotten: list[tuple[str, bool]] = field(default_factory=list)
    answers: bool = False  # what the cluster thinks of the follower

    def connect(self, where: Any, runtime: Any) -> Any:
        """Reach one of them."""
        if where.node in self.off:
            raise Unreachable(f"{where.node} did not answer within 15 s")
        return (self.follower if where.node == "node-2" else self.lead).connect(where, runtime)

    def forget(self, _: object, name: str, *, anyway: bool) -> list[str]:
        """Stand for the cluster."""
        if self.answers and not anyway:
            raise Refused(f"{name} still answers to its cluster: the machine that was there is alive")
        self.forgotten.append((name, anyway))
        return [f"Node {name}"]


@pytest.fixture
def pair(inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pair:
    """Return a store whose lead is deployed, and whose follower is bare."""
    second = f", node-2: {{role: agent, address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text().rstrip().removesuffix("}") + second)
    token = node.places.k3s_data / "server/token"
    token.parent.mkdir(parents=True)
    token.write_text("K10abc::server:secret\n")
    node.one_at_a_time = False
    found = Pair(node, StoreNode(Places(tmp_path / "node-2")), {"node-2"})
    found.follower.places.run.mkdir(parents=True)
    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", found.connect)
    monkeypatch.setattr(forget, "forget", found.forget)
    monkeypatch.setattr("edgectl.control.link.shown.shown", lambda _: pinned(KEY, node="node-2"))
    assert edgectl("deploy", "store-042").code == 9
    found.off.clear()
    return found


def test_a_follower_that_was_removed_is_forgotten(pair: Pair, edgectl: Edgectl) -> None:
    """Law: k3s's password of it would keep it out for ever; where the lead is off, the same command asks it again."""
    server.deployed(pair.follower.places, 1, node="node-2")
    pair.off = {"node-1"}
    said = edgectl(*REMOVE)
    assert (said.code, "the cluster still knows node-2: node-1 did not answer" in said.out) == (8, True), said
    assert not pair.follower.places.slots.exists()
    pair.off, pair.answers = set(), True  # for some seconds more
    said = edgectl(*REMOVE)
    assert (said.code, "has nothing of edgectl" in said.out) == (0, True), said
    assert pair.forgotten == [("node-2", True)]
    assert ("forget-node", "asked") in whats(lines(pair.lead.places.audit))


def test_what_did_not_go_is_still_known(pair: Pair, edgectl: Edgectl) -> None:
    """Law: a follower that was not reached stays in its cluster; and with the lead nobody is left to forget."""
    server.deployed(pair.follower.places, 1, node="node-2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgectl.node.remove.asked._units", _killed)
        assert edgectl(*REMOVE).code == 5
    assert pair.forgotten == []
    assert edgectl("remove", "store-042", "--yes-remove", "store-042").code == 0
    assert pair.forgotten == []


@pytest.mark.parametrize(("begun", "code"), [(True, 9), (False, 11)])
def test_a_replaced_follower_goes_on_after_it_has_joined(
    pair: Pair, edgectl: Edgectl, *, begun: bool, code: int
) -> None:
    """Law: stopped after the join, it is the new machine that answers, and not the old one."""
    if begun:
        server.deployed(pair.follower.places, 1, node="node-2")
        (current,) = pair.follower.places.state.rglob("current")
        current.rename(current.with_name("candidate"))  # accepted, and never whole
    pair.answers = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgectl.cli.replace._deploy", lambda *_, **__: 9)
        said = edgectl("replace", "store-042/node-2")
    assert (said.code, "node-2 has joined already" in said.err) == (code, begun), said
    pair.answers = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgectl.cli.replace._deploy", lambda *_, **__: 9)
        assert edgectl("replace", "store-042/node-2").code == 9
    assert pair.forgotten == [("node-2", False)], "the old machine's, where it has not joined"


def _killed(_: object) -> None:
    raise OSError(5, "killed")


@pytest.mark.usefixtures("pair")
def test_a_new_lead_signs_for_those_that_take_nothing_else(
    edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law: a follower that is reached by an account takes a replaced lead's deploy as any other: signed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    trusted(inventory, edgectl)
    users = f"users: {{edge: {{keys: ['{KEY} me']}}}}, files:"
    text = inventory.read_text().replace("files:", users, 1)
    inventory.write_text(text.replace("{role: agent,", "{role: agent, ssh: {user: edge},"))
    seen: list[Any] = []

    def press(offer: Any, *_: object, **__: object) -> int:
        seen.append(offer)
        return 0

    monkeypatch.setattr("edgectl.cli.press.press", press)
    assert edgectl("replace", "store-042/node-1", "--without-backup", "--anyway").code == 0
    assert [offer.signed is not None for offer in seen] == [True]


def test_replacing_needs_root_by_name(
    pair: Pair, edgectl: Edgectl, inventory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law: nobody is asked who could not answer; also where only the lead is reached by such an account."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    trusted(inventory, edgectl)
    text = inventory.read_text()
    users = text.replace("files:", f"users: {{edge: {{keys: ['{KEY} me']}}}}, files:", 1)
    inventory.write_text(users.replace("defaults:\n", "defaults:\n  ssh: {user: edge}\n"))
    before = len(pair.lead.sessions) + len(pair.follower.sessions)
    said = edgectl("replace", "store-042/node-2")
    assert (said.code, "needs root, and edge starts edgectl there and nothing else" in said.err) == (11, True), said
    assert len(pair.lead.sessions) + len(pair.follower.sessions) == before
