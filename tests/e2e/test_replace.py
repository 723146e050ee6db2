"""A machine dies and a fresh one stands there: its cluster is what it was. Then all of edgectl goes from it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.control.backup.folder import here, home
from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.e2e.listed import machine, objects
from tests.e2e.node import Node
from tests.e2e.operator import Operator

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_SHOP = f"{PREFIX}-heir"


@dataclass
class Heir:
    """A store that loses its machine. What a test has seen of it, the next ones compare with."""

    box: Sandbox
    supplies: Supplies
    inventory: Path
    store: SandboxStore
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        """The machine that stands there now."""
        return Node(self.store)

    @property
    def operator(self) -> Operator:
        """The same operator throughout."""
        return Operator(_SHOP, self.inventory)

    def another_machine(self) -> None:
        """Let the machine die, disk and all, and put a fresh one there: same address, another host key."""
        self.box.down(_SHOP)
        self.store = STORES_UP[_SHOP] = self.box.up(_SHOP, gpus=1)
        fresh = yaml.safe_load(write_inventory(self.store, self.supplies).read_text())
        doc = yaml.safe_load(self.inventory.read_text())
        doc["defaults"]["ssh"] = fresh["defaults"]["ssh"]  # the sandbox makes the operator's key anew, too
        own, new = (each["stores"][_SHOP]["nodes"]["node-1"] for each in (doc, fresh))
        assert own["host_key"] != new["host_key"]
        own["ssh"] = new["ssh"]
        self.inventory.write_text(yaml.safe_dump(doc, sort_keys=False))
        self.seen["fingerprint"] = _fingerprint(new["host_key"])


@pytest.fixture(scope="module")
def heir(box: Sandbox, supplies: Supplies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heir]:
    """Yield a bare store."""
    if any(store.name == _SHOP for store in box.stores()):
        box.down(_SHOP)
    shutil.rmtree(home() / _SHOP, ignore_errors=True)
    STORES_UP[_SHOP] = store = box.up(_SHOP, gpus=1)
    inventory = tmp_path_factory.mktemp("heir") / "inventory.yaml"
    shutil.copy(write_inventory(store, supplies), inventory)
    doc = yaml.safe_load(inventory.read_text())
    doc["defaults"] |= {"timezone": "Europe/Berlin", "backup": {"every": "24h", "keep": 2, "at": "03:00"}}
    inventory.write_text(yaml.safe_dump(doc, sort_keys=False))
    try:
        yield Heir(box, supplies, inventory, store)
    finally:
        STORES_UP.pop(_SHOP)
        box.down(_SHOP)
        shutil.rmtree(home() / _SHOP, ignore_errors=True)


def test_a_backup_is_taken_and_fetched_while_the_store_serves(heir: Heir) -> None:
    """The node takes one by itself as soon as it is whole; a person's comes to the operator, his alone."""
    heir.operator.deploy(seconds=500)
    node = heir.node
    node.wait("the node has taken one by itself", lambda: bool(_kept(node)), seconds=180)
    node.kubectl("create", "configmap", "made-by-hand", "-n", "default", "--from-literal=who=anna")
    node.wait("no run is going on", node.idle, seconds=60)
    heir.seen["objects"] = objects(node)
    said = heir.operator.run("backup")
    (path,) = here(home() / _SHOP)
    assert "keys of the cluster" in said.out
    assert path.stat().st_mode & 0o777 == 0o600
    assert node.sh("stat -c %a /var/lib/edgectl/saved /var/lib/edgectl/saved/*.backup | sort -u") == "600\n700"
    assert len(_kept(node)) == 2
    assert node.sh("edgectl-node backup").startswith("/var/lib/edgectl/saved/")
    assert len(_kept(node)) == 2, "keep: 2"
    heir.seen["size"] = path.stat().st_size


def test_the_old_machine_is_not_replaced_while_it_answers(heir: Heir) -> None:
    """Exit 11, and nothing has changed."""
    said = heir.operator.replace("node-1", code=11)
    assert "the old machine is alive" in said.err


def test_a_fresh_machine_becomes_the_store_that_was(heir: Heir) -> None:
    """Every declared object is as before, with what a person had made by hand; the cluster's CA is the same."""
    ca = heir.node.sh("sha256sum /var/lib/rancher/k3s/server/tls/server-ca.key | cut -c1-64")
    heir.another_machine()
    node = heir.node
    heir.seen["bare"] = machine(node)
    said = heir.operator.replace("node-1", code=4)
    assert heir.seen["fingerprint"] in said.err
    said = heir.operator.replace("node-1", "--host-key", heir.seen["fingerprint"], "-o", "json")
    assert said.document["verdict"]["word"] == "ready", said
    assert said.document["sequence"] == 2, "the store's sequence goes on"
    assert node.sh("sha256sum /var/lib/rancher/k3s/server/tls/server-ca.key | cut -c1-64") == ca
    before, after = heir.seen["objects"], objects(node)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == set()
    assert node.kubectl("get", "configmap", "made-by-hand", "-n", "default", "-o", "jsonpath={.data.who}") == "anna"
    assert node.answers() == ""
    assert heir.operator.deploy()["changed"] == []


def test_nothing_of_edgectl_is_left_but_backups(heir: Heir) -> None:
    """Files, units, mounts, interfaces, accounts, rules and processes are those of the bare machine."""
    node = heir.node
    node.sh("edgectl-node backup")
    heir.operator.run("remove", code=2)
    heir.operator.run("remove", "--yes-remove", "store-043", code=2)
    assert node.answers() == ""
    said = heir.operator.run("remove", "--yes-remove", _SHOP, seconds=300)
    assert "/var/lib/edgectl/saved" in said.out
    bare, after = heir.seen["bare"], machine(node)
    bare["files"].add("/var/lib/edgectl d 755 0 ")
    left = {what: sorted(after[what] ^ bare[what]) for what in bare if after[what] != bare[what]}
    assert left == {}, "\n".join(f"{what}: {rows}" for what, rows in left.items())
    assert "nothing of edgectl" in heir.operator.run("remove", "--yes-remove", _SHOP).out
    heir.operator.run("preflight")


def _kept(node: Node) -> list[str]:
    return node.sh("ls /var/lib/edgectl/saved/*.backup 2>/dev/null || true").split()


def _fingerprint(key: str) -> str:
    said = subprocess.run(["ssh-keygen", "-lf", "-"], input=key, capture_output=True, text=True, check=True)
    return said.stdout.split()[1]
