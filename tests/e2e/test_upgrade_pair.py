"""A store of two nodes goes to another patch version of k3s: the server, then the agent; nothing else changes.

Both are real versions of Kubernetes, each built from its own sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from edgectl.control.bundle.layout import Bundle
from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.k3s.build import K3S_BEFORE, K3S_VERSION, k3s_before
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.e2e.declared_objects import containers, declared
from tests.e2e.node import Node
from tests.e2e.operator import Operator
from tests.e2e.stock import copy_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_PAIR = f"{PREFIX}-two"


@pytest.fixture(scope="module")
def two(box: Sandbox) -> Iterator[SandboxStore]:
    """Yield two bare nodes."""
    if any(store.name == _PAIR for store in box.stores()):
        box.down(_PAIR)
    STORES_UP[_PAIR] = store = box.up(_PAIR, nodes=2, gpus=1)
    try:
        yield store
    finally:
        STORES_UP.pop(_PAIR)
        box.down(_PAIR)


def test_the_server_first_then_the_agent(two: SandboxStore, supplies: Supplies) -> None:
    """Law: every declared object, every container of both nodes as before; the agent waits until its server is new."""
    inventory = write_inventory(two, supplies)
    bundle = copy_bundle(two, "both")
    Bundle.open(bundle).add(k3s_before(), kind="k3s", name="k3s", version=K3S_BEFORE)
    doc = yaml.safe_load(inventory.read_text())
    doc["bundle"] = str(bundle)
    inventory.write_text(yaml.safe_dump(doc, sort_keys=False))

    def to(version: str) -> Operator:
        def change(doc: dict[str, Any]) -> None:
            doc["defaults"]["k3s"]["version"] = version

        return Operator(_PAIR, inventory).with_(change=change)

    lead, agent = Node(two), Node(two, "node-2")
    assert to(K3S_BEFORE).deploy(seconds=400)["verdict"]["word"] == "ready"
    objects, running = declared(lead), containers(lead)
    for version in (K3S_VERSION, K3S_BEFORE):
        said = to(version).run("deploy", "-v", "-o", "json", seconds=400).document
        assert (said["verdict"]["word"], said["others"]["node-2"]["word"]) == ("ready", "ready")
        found = {node["metadata"]["name"]: node["status"]["nodeInfo"] for node in lead.objects("nodes")}
        assert {name: info["kubeletVersion"] for name, info in found.items()} == dict.fromkeys(found, version)
        assert (declared(lead), containers(lead)) == (objects, running)
        assert lead.answers() == ""
    told = [item for run in agent.runs() for item in agent.events(run) if item.get("step") == "server-first"]
    reasons = {str(item.get("reason")) for item in told}
    assert {f"the server still runs {K3S_BEFORE}", "waits for its turn: one node after the other"} & reasons, reasons
    to(K3S_BEFORE).run("plan", "--exit-code")
