"""A neighbour of the lead: there, missed, or against it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.k3s.joined import STANDS, Joined, judge, path_of
from edgectl.node.k3s.serverfirst import ServerFirst
from edgectl.node.k3s.stocked import Announced, Stocked, images_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Host, Image, K3s, Node, part_of
from tests.unit.node.fake import FakeNode

AGENT = Node("node-2", "agent", "10.77.0.12", Host(1), K3s("v1", "sha256:0", "k3s-agent.service", (), ()))
TRIED = Envelope("store-042", "node-1", "sha256:p", "sha256:r", "", 7, "t", Sender("ada", "laptop"))


def found(ready: str = "True", version: str = "v1", **stands: Any) -> dict[str, Any]:
    """Return a Node object, and what its engine says on it."""
    return {
        "metadata": {"annotations": {STANDS: json.dumps(stands)}},
        "status": {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_it_is_there_when_it_has_become_its_part() -> None:
    """Ready alone is not enough: its own engine must have ended well with this very part."""
    want = part_of(AGENT)
    seen = judge(found(part=want, word="ready"), AGENT)
    assert (seen.status, seen.absent) == (Status.CURRENT, "")
    seen = judge(found(part=want, word="degraded", reason="1 of 2 GPUs"), AGENT)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2: 1 of 2 GPUs")


def test_the_order_of_images_is_none() -> None:
    """A base under other apps lists the same images in another order: the same part, the same images."""
    one, other = (Image(f"sha256:{name}", (f"{name}:1",)) for name in ("a", "b"))
    this, that = (replace(AGENT, k3s=replace(AGENT.k3s, images=images)) for images in ((one, other), (other, one)))
    assert (part_of(this), images_of(this)) == (part_of(that), images_of(that))
    assert part_of(this) != part_of(AGENT)


def test_what_is_not_there_is_missed_by_name() -> None:
    """No object, not Ready, silent, another version, another part, nothing said: missed, never failed, never fine."""
    want = part_of(AGENT)
    cases = [
        None,
        found(ready="False", part=want),
        found(version="v0", part=want),
        found(part="sha256:other"),
        found(part="", word="not ready", reason="k3s: it ends at its start"),
        found(part="sha256:other", rejected=7, why="host: 900 GB needed"),
        {"metadata": {}, "status": found()["status"]},
        {"metadata": {"annotations": {STANDS: "no json"}}, "status": found()["status"]},
        {"metadata": {"annotations": {STANDS: "[1]"}}, "status": found()["status"]},
    ]
    for case in cases:
        seen = judge(case, AGENT)
        assert (seen.status, "node-2" in seen.absent) == (Status.IN_PROGRESS, True), case


def test_no_time_is_lost_on_one_that_is_silent() -> None:
    """The control plane has given up on it: missed by name at once, whatever it said while it was there."""
    seen = judge(found(ready="Unknown", part=part_of(AGENT), rejected=7), AGENT, 7)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2 is not there")


def test_only_what_is_tried_is_turned_down() -> None:
    """A word about an earlier deploy, or one in a heal, fails nothing: it is missed, with its reason."""
    said = found(part="sha256:before", word="ready", rejected=7, why="host: 900 GB needed")
    seen = judge(said, AGENT, 7)
    assert (seen.status, "900 GB" in seen.reason) == (Status.FAILED, True)
    for tried in (8, 0):
        seen = judge(said, AGENT, tried)
        assert (seen.status, "900 GB" in seen.absent) == (Status.IN_PROGRESS, True)
    assert judge(found(part=part_of(AGENT), rejected=7), AGENT, 8).status is Status.CURRENT


def test_nobody_waits_for_one_that_was_given_nothing(node: FakeNode) -> None:
    """The sender could not reach it: missed at once. One that was given the deploy has a quarter of an hour."""
    node.kube.objects[path_of("node-2")] = found(part="sha256:before")
    assert (Joined(AGENT, None).wait.limit_seconds, Joined(AGENT, TRIED).wait.limit_seconds) == (30, 900)
    assert Joined(AGENT, TRIED).probe(node).status is Status.IN_PROGRESS
    seen = Joined(AGENT, replace(TRIED, without=("node-2",))).probe(node)
    assert (seen.status, "node-2" in seen.absent) == (Status.CURRENT, True)


def test_pods_wait_for_images(node: FakeNode) -> None:
    """An agent says which images it holds; the lead waits for its word, not for one that is silent or is new."""
    lead, agent = Stocked(AGENT, TRIED), Announced(AGENT)
    assert lead.probe(node).status is Status.CURRENT
    node.kube.objects[path_of("node-2")] = found()
    assert lead.probe(node).status is Status.IN_PROGRESS
    seen = agent.probe(node)
    assert seen.status is Status.DRIFTED
    agent.apply(node, seen)
    assert (agent.probe(node).status, lead.probe(node).status) == (Status.CURRENT, Status.CURRENT)
    other = replace(AGENT, k3s=replace(AGENT.k3s, images=(Image("sha256:1", ("a:1",)),)))
    assert Stocked(other, TRIED).probe(node).status is Status.IN_PROGRESS
    assert Stocked(other, replace(TRIED, without=("node-2",))).probe(node).status is Status.CURRENT
    node.kube.objects[path_of("node-2")] = found(ready="Unknown")
    seen = Stocked(other, TRIED).probe(node)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2 is not there")


@pytest.mark.parametrize(
    ("server", "status"),
    [
        ('{"gitVersion": "v1.35.7+k3s1"}', Status.IN_PROGRESS),
        ('{"gitVersion": "v1.36.2+k3s3"}', Status.IN_PROGRESS),
        ('{"gitVersion": "v1.36.3+k3s1"}', Status.CURRENT),
        ('{"gitVersion": "v1.37.1+k3s1"}', Status.CURRENT),
        ("no json", Status.CURRENT),
        ("[]", Status.CURRENT),
    ],
)
def test_an_agent_is_never_newer_than_its_server(node: FakeNode, server: str, status: Status) -> None:
    """It waits for the server, patch versions included; one that cannot be asked holds nothing up."""
    node.kube.version = server
    assert ServerFirst("node-2", "v1.36.3+k3s1").probe(node).status is status
    node.kube.down = True
    assert ServerFirst("node-2", "v1.36.3+k3s1").probe(node).status is Status.CURRENT
