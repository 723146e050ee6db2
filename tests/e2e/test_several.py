"""A store of two nodes: the server leads, the agent joins, follows, and is missed when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.e2e.node import JOURNAL, MARKER, Node
from tests.e2e.operator import Operator, Said

pytestmark = pytest.mark.e2e

NOTE = "/etc/edgectl-e2e.conf"
_ON_THE_AGENT = '{"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "node-2"}}}}}'
_APPLIED = "journalctl -q -o cat -u k3s --since -60s | grep 'Applied manifest'"
_PAIR = f"{PREFIX}-pair"


@dataclass(frozen=True)
class Pair:
    """The store, its two nodes, and how they came up."""

    lead: Node
    agent: Node
    operator: Operator
    first: Said


@pytest.fixture(scope="module")
def pair(box: Sandbox, supplies: Supplies) -> Iterator[Pair]:
    """Yield two bare nodes after one press."""
    if any(store.name == _PAIR for store in box.stores()):
        box.down(_PAIR)
    STORES_UP[_PAIR] = store = box.up(_PAIR, nodes=2, gpus=1)
    inventory = write_inventory(store, supplies)
    doc = yaml.safe_load(inventory.read_text())
    doc["defaults"]["k3s"]["config"]["kube-controller-manager-arg"] = [
        "node-monitor-grace-period=20s"
    ]  # 40 s, by default
    inventory.write_text(yaml.safe_dump(doc, sort_keys=False))
    operator = Operator(_PAIR, inventory)
    try:
        said = operator.run("deploy", "-v", "-o", "json", seconds=400)
        yield Pair(Node(store), Node(store, "node-2"), operator, said)
    finally:
        operator.end_all()
        STORES_UP.pop(_PAIR)
        box.down(_PAIR)


def test_one_press_brings_both_up(pair: Pair) -> None:
    """The agent is a Ready node of the cluster with its GPU proven; a second press changes nothing on either."""
    document = pair.first.document
    assert document["verdict"]["word"] == "ready", pair.first
    assert document["others"]["node-2"]["word"] == "ready", pair.first
    taken = document["neighbour_bytes"]
    assert f"node-2: {taken / 1e6:.1f} MB from node-1 over the store's network" in pair.first.err
    assert 0 < taken < document["bytes_missing"] == document["blob_bytes"], "the agent's images crossed the line once"
    nodes = {node["metadata"]["name"]: node for node in pair.lead.objects("nodes")}
    assert set(nodes) == {"node-1", "node-2"}
    assert pair.agent.sh(f"cat {MARKER}") == pair.agent.sh("cat /proc/sys/kernel/random/boot_id")
    assert pair.agent.sh("ls /var/lib/rancher/k3s/server 2>/dev/null || echo none") == "none"
    assert pair.lead.answers() == ""
    again = pair.operator.run("deploy", "-o", "json").document
    assert (again["verdict"]["word"], again["changed"], again["blob_bytes"]) == ("ready", [], 0)
    assert again["neighbour_bytes"] == 0
    assert pair.lead.sh("ss -Htlnp | grep -F 10.77.0. | grep python || true") == "", "nobody listens after it"
    pair.operator.run("plan", "--exit-code")


def test_the_token_is_where_k3s_reads_it_and_nowhere_else(pair: Pair) -> None:
    """No token in a payload, journal, process list or log; its file is root's alone."""
    token = pair.lead.sh("cat /var/lib/rancher/k3s/server/token")
    password = token.rpartition(":")[2]
    assert pair.agent.sh("stat -c '%a %U' /var/lib/edgectl/secrets/k3s-token") == "600 root"
    assert pair.agent.sh("cat /var/lib/edgectl/secrets/k3s-token") == token
    for node in (pair.lead, pair.agent):
        known = "/var/lib/edgectl/blobs /var/lib/edgectl/slots /etc/rancher"
        assert node.sh(f"grep -rlF {password} {JOURNAL} {known} /run/edgectl || true") == ""
        assert password not in node.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert node.sh(f"journalctl -q -o cat | grep -cF {password} || true") == "0"
    assert password not in pair.first.out + pair.first.err


def test_only_the_lead_is_deployed_to(pair: Pair) -> None:
    """An agent takes nothing that its lead has not taken, and never turns into a server of its own."""

    def change(doc: dict[str, Any]) -> None:
        (entry,) = doc["stores"].values()
        entry["nodes"] = {"node-2": {**entry["nodes"]["node-2"], "role": "server"}}

    pair.operator.with_(change=change).run("deploy", code=11).has("node-2 is its store's agent")


def test_what_one_node_turns_down_neither_keeps(pair: Pair) -> None:
    """The agent cannot be what it should: it goes back by itself, the lead goes back for its sake."""

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["host"]["files"] = [{"path": NOTE, "text": "an update"}]
        (entry,) = doc["stores"].values()
        entry["nodes"]["node-2"]["host"] = {"free_bytes": "900GiB"}

    said = pair.operator.with_(change=change).run("deploy", code=5)
    said.has("node-2 has turned it down", "is READY on the old version")
    for node in (pair.lead, pair.agent):
        assert node.sh(f"cat {NOTE} 2>/dev/null || echo gone") == "gone"
    assert pair.lead.answers() == ""
    pair.operator.run("status").has("is READY")


def test_a_rollback_takes_both_back(pair: Pair) -> None:
    """A rollback of the store is one of every node."""

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["host"]["files"] = [{"path": NOTE, "text": "an update"}]

    pair.operator.with_(change=change).deploy()
    for node in (pair.lead, pair.agent):
        assert node.sh(f"cat {NOTE}") == "an update"
    pair.operator.run("rollback")
    for node in (pair.lead, pair.agent):
        assert node.sh(f"cat {NOTE} 2>/dev/null || echo gone") == "gone"


def test_the_agent_goes_where_its_lead_has_gone(pair: Pair) -> None:
    """The lead keeps the new base and turns the apps on it down, after the agent took both: the agent follows alone."""

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["host"]["files"] = [{"path": NOTE, "text": "a good base"}]
        release = doc["defaults"]["releases"]["vision-stack"]
        release["timeout_seconds"] = 8
        release["values"]["inference"]["env"] = {"PYTHONHOME": "/nowhere"}

    pair.operator.with_(change=change).run("deploy", code=5).has("the base stays")
    pair.lead.wait("it has told what it decided", pair.lead.idle)  # after its verdict, with which the command ends
    pair.agent.wait("no run is going on", pair.agent.idle)
    assert pair.agent.heal()["word"] == "ready"
    assert pair.lead.heal()["word"] == "ready"
    rows = pair.operator.run("history", "--node", "node-2", "-o", "json").document["slots"]
    (current,) = [row for row in rows if row["state"] == "current"]
    assert current["apps"] < current["sequence"], "its base is the new one, under the apps that ran before"
    assert pair.agent.sh(f"cat {NOTE}") == "a good base"
    pair.operator.deploy()


def test_names_stay_with_the_server(pair: Pair) -> None:
    """CoreDNS runs on the server though it was moved by hand, also after k3s has applied its own manifest again."""
    pair.lead.kubectl("-n", "kube-system", "patch", "deployment/coredns", "--type=merge", "-p", _ON_THE_AGENT)
    pair.lead.wait("it has moved", lambda: _dns_on(pair.lead) == {"node-2"}, seconds=60)
    assert "cluster-dns" in pair.lead.heal()["changed"]
    pair.lead.wait("it is back", lambda: _dns_on(pair.lead) == {"node-1"}, seconds=60)
    pair.lead.sh("touch /var/lib/rancher/k3s/server/manifests/coredns.yaml; systemctl restart k3s", seconds=120)
    pair.lead.wait("k3s has applied it", lambda: "coredns.yaml" in pair.lead.sh(_APPLIED, check=False), seconds=60)
    pair.lead.wait("it serves", lambda: _ready(pair.lead, "node-1"), seconds=60)
    assert "cluster-dns" not in pair.lead.heal()["changed"]
    assert _dns_on(pair.lead) == {"node-1"}


def test_a_node_that_is_gone_is_missed_and_comes_back(pair: Pair) -> None:
    """One agent without power: the store serves, degraded, and names it; back on, it follows what it has missed."""
    pair.lead.kubectl("cordon", "node-2")  # its absence must cost no inference in this test
    pair.lead.kubectl("delete", "pods", "-n", "vision", "--all")
    pair.lead.kubectl("rollout", "status", "deployment/inference", "-n", "vision", "--timeout=60s", seconds=70)
    pair.lead.kubectl("uncordon", "node-2")
    # links that so many restarts have made flap are well after a quiet minute: what comes now is the agent's alone
    pair.lead.wait("it is whole again", lambda: pair.lead.heal()["word"] == "ready", seconds=150)
    pair.agent.store.cut_power("node-2")
    pair.lead.wait("the cluster knows it", lambda: not _ready(pair.lead, "node-2"), seconds=90)

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]["env"] = {"EDGECTL_E2E": "new"}

    operator = pair.operator.with_(change=change)
    said = operator.deploy(code=9, seconds=400)
    assert said["verdict"]["promoted"] is True
    assert "node-2" in said["verdict"]["reason"]
    assert said["others"]["node-2"]["exit"] == 4
    assert pair.lead.answers() == ""
    operator.run("status", code=9).has("DEGRADED", "node-2")
    pair.agent.store.power_on("node-2")
    pair.agent.wait("it has healed itself", pair.agent.has_healed, seconds=180)
    pair.lead.wait("the cluster has it again", lambda: _ready(pair.lead, "node-2"), seconds=60)
    assert pair.lead.heal()["word"] == "ready"
    operator.run("status")


def _dns_on(lead: Node) -> set[str]:
    """Return where the cluster's DNS runs, what ends there included."""
    pods = lead.objects("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    return {pod["spec"].get("nodeName", "") for pod in pods}


def _ready(lead: Node, name: str) -> bool:
    (node,) = [node for node in lead.objects("nodes") if node["metadata"]["name"] == name]
    conditions = {item["type"]: item["status"] for item in node["status"]["conditions"]}
    return conditions.get("Ready") == "True"
