"""The facts that rules read are those that the page promises, of every store that the starter inventory can give."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from edgectl.control.inventory.load import load
from edgectl.control.policy.facts import facts
from edgectl.control.policy.judge import judge
from tests.unit.control.policy.stores import TODAY, payload, policy

STARTER = Path(__file__).parents[4] / "templates" / "inventory.yaml"


def test_the_starters_cameras_can_be_reached() -> None:
    """The chart's network policy lets the camera service through to the networks that are named, no further."""
    values = load(STARTER).store("store-042").releases[-1].values
    networks = [ip_network(one) for one in values["networkPolicy"]["cameras"]]
    for camera in values["camera"]["cameras"].values():
        address = ip_address(urlsplit(camera["source"]).hostname)
        assert any(address in network for network in networks)


def test_the_starters_store_can_be_judged_by_every_rule() -> None:
    """Law: no built-in rule asks for a fact that is not there. Seeded fault: one that is not."""
    found = facts(load(STARTER).store("store-042"))
    assert (found["gpus"], found["nodes"][0]["name"], found["groups"]) == (1, "node-1", ["berlin"])
    said = policy(driver=">=570", k3s=">=1.30", residency=["example.eu"], registries=["registry.example"])
    (only,) = judge(said, found, payload(), TODAY)
    assert only.sentence == "node-1 has driver (not declared), and policy.driver allows >=570"
    del found["nodes"]
    (only,) = judge(said, found, payload(), TODAY)
    assert only.sentence == 'this rule could not be judged: there is no key "nodes" (ask has(...) before)'
