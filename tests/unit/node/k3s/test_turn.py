"""One node after the other goes to another k3s: the lead gives the turn, the agent waits, nobody waits for ever."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgectl.node.converge.protocol import Status
from edgectl.node.k3s.joined import path_of
from edgectl.node.k3s.serverfirst import ServerFirst
from edgectl.node.k3s.turn import TURN, Turn
from edgectl.wire.payload import K3s
from tests.unit.node.fake import FakeNode
from tests.unit.node.k3s.test_joined import AGENT as OLD
from tests.unit.node.k3s.test_joined import TRIED, found

NEW = "v1.36.4+k3s1"
AGENT = replace(OLD, k3s=K3s(NEW, "sha256:0", "k3s-agent.service", (), ()))
OTHER = replace(AGENT, name="node-3")


@pytest.fixture
def pair(node: FakeNode) -> FakeNode:
    """Return the API of a store whose server is new, and whose agents are not."""
    node.kube.version = json.dumps({"gitVersion": NEW})
    for name in ("node-2", "node-3"):
        node.kube.objects[path_of(name)] = found(version="v1.36.3+k3s1")
    return node


def test_the_agent_waits_for_its_turn_and_the_lead_for_the_agent(pair: FakeNode) -> None:
    """Given, gone, seen: only then the lead's recipe comes to the next one."""
    lead, agent, other = Turn(AGENT, TRIED), ServerFirst("node-2", NEW), ServerFirst("node-3", NEW)
    assert (agent.probe(pair).status, other.probe(pair).status) == (Status.IN_PROGRESS, Status.IN_PROGRESS)
    seen = lead.probe(pair)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("node-2", "v1.36.3+k3s1", NEW),))
    lead.apply(pair, seen)
    assert (agent.probe(pair).status, other.probe(pair).status) == (Status.CURRENT, Status.IN_PROGRESS)
    assert (lead.probe(pair).status, lead.wait.limit_seconds) == (Status.IN_PROGRESS, 900)
    pair.kube.objects[path_of("node-2")] = found(ready="False", version=NEW)
    assert lead.probe(pair).status is Status.IN_PROGRESS
    pair.kube.objects[path_of("node-2")] = found(version=NEW)
    assert lead.probe(pair).status is Status.CURRENT
    assert Turn(OTHER, TRIED).probe(pair).status is Status.DRIFTED


def test_who_is_not_there_holds_nothing_up(pair: FakeNode) -> None:
    """Not joined, silent, not given this deploy: the next one has its turn at once."""
    pair.kube.objects[path_of("node-2")] = found(ready="Unknown", version="v1.36.3+k3s1")
    seen = Turn(AGENT, TRIED).probe(pair)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2 is not there")
    seen = Turn(OTHER, replace(TRIED, without=("node-3",))).probe(pair)
    assert (seen.status, seen.absent) == (Status.CURRENT, f"node-3 runs v1.36.3+k3s1, not {NEW}")
    del pair.kube.objects[path_of("node-2")]
    assert Turn(AGENT, TRIED).probe(pair).status is Status.CURRENT
    assert ServerFirst("node-2", NEW).probe(pair).status is Status.CURRENT, "it joins with what is declared"


def test_one_that_turns_it_down_stops_the_deploy(pair: FakeNode) -> None:
    """The others are not tried with it; a word about an earlier deploy counts nothing."""
    for sequence, status in ((7, Status.FAILED), (6, Status.IN_PROGRESS)):
        item = found(version="v1.36.3+k3s1", rejected=sequence, why="k3s ends as soon as it starts")
        item["metadata"]["annotations"][TURN] = json.dumps({"k3s": NEW})
        pair.kube.objects[path_of("node-2")] = item
        assert Turn(AGENT, TRIED).probe(pair).status is status


def test_a_server_that_is_older_comes_before_any_turn(pair: FakeNode) -> None:
    """The turn of an earlier try lets no agent past its server."""
    pair.kube.objects[path_of("node-2")]["metadata"]["annotations"][TURN] = json.dumps({"k3s": NEW})
    pair.kube.version = json.dumps({"gitVersion": "v1.36.3+k3s1"})
    seen = ServerFirst("node-2", NEW).probe(pair)
    assert (seen.status, seen.reason) == (Status.IN_PROGRESS, "the server still runs v1.36.3+k3s1")
