"""A machine that follows is made bare, dies for its cluster, and a fresh one with its name joins in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.e2e.listed import machine
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_PAIR = f"{PREFIX}-heirs"
_KEY = "/etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True)
class Pair:
    """The store, its two nodes, and what the second one was like before edgectl."""

    lead: Node
    agent: Node
    operator: Operator
    bare: dict[str, set[str]]


@pytest.fixture
def pair(box: Sandbox, supplies: Supplies) -> Iterator[Pair]:
    """Yield two nodes after one press."""
    if any(store.name == _PAIR for store in box.stores()):
        box.down(_PAIR)
    STORES_UP[_PAIR] = store = box.up(_PAIR, nodes=2, gpus=0)
    inventory = write_inventory(store, supplies)
    doc = yaml.safe_load(inventory.read_text())
    doc["defaults"]["k3s"]["config"]["kube-controller-manager-arg"] = ["node-monitor-grace-period=20s"]
    inventory.write_text(yaml.safe_dump(doc, sort_keys=False))
    operator = Operator(_PAIR, inventory)
    try:
        agent = Node(store, "node-2")
        bare = machine(agent)
        operator.run("deploy", seconds=400)
        yield Pair(Node(store), agent, operator, bare)
    finally:
        operator.end_all()
        STORES_UP.pop(_PAIR)
        box.down(_PAIR)


def test_another_machine_takes_the_name(pair: Pair) -> None:
    """Bare after `remove`; not forgotten while it answers; then its Node is a new one, and the store is whole.

    The sandbox's k3s keeps no passwords of nodes: that theirs goes, too, is a law of its own (unit tests).
    """
    agent, lead, operator = pair.agent, pair.lead, pair.operator
    operator.replace("node-2", code=11)
    operator.run("remove", "--node", "node-2", "--yes-remove", _PAIR)
    after = machine(agent)
    left = {what: sorted(after[what] ^ pair.bare[what]) for what in after if after[what] != pair.bare[what]}
    assert left == {}, "\n".join(f"{what}: {rows}" for what, rows in left.items())
    agent.sh(f"rm {_KEY}* && ssh-keygen -q -t ed25519 -N '' -f {_KEY} && systemctl restart ssh")
    shown = agent.sh(f"ssh-keygen -lf {_KEY}.pub").split()[1]
    assert shown in operator.replace("node-2", code=4).err
    if _ready(lead, "node-2") == "True":
        said = operator.replace("node-2", "--host-key", shown, code=11)
        assert "node-2 still answers to its cluster" in said.err
    lead.wait("the cluster gives up on it", lambda: _ready(lead, "node-2") == "Unknown", seconds=120)
    before = _uid(lead, "node-2")
    said = operator.replace("node-2", "--host-key", shown, "-o", "json")
    assert "Node node-2 is taken out of the cluster" in said.err
    lead.wait("it has joined", lambda: _ready(lead, "node-2") == "True", seconds=180)
    assert _uid(lead, "node-2") != before
    assert operator.deploy()["verdict"]["word"] == "ready"


def _ready(node: Node, name: str) -> str:
    path = "{.status.conditions[?(@.type=='Ready')].status}"
    return node.run(
        "/usr/local/bin/k3s", "kubectl", "get", "node", name, "-o", f"jsonpath={path}", check=False
    ).out.strip()


def _uid(node: Node, name: str) -> str:
    return node.kubectl("get", "node", name, "-o", "jsonpath={.metadata.uid}")
