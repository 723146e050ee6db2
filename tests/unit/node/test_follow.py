"""An agent follows what its lead has decided, and no more; the lead tells it after each decision."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.follow import DECIDED, heed, tell
from edgectl.node.k3s.joined import STANDS, path_of
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.payload import Host, K3s, Node, Payload, part_of
from edgectl.wire.verdict import Verdict
from tests.unit.node.fake import FakeNode

READY = Verdict("ready", 0, "")


def payload(title: str) -> Payload:
    """Return a store of two nodes; its title's first word is the k3s version."""
    k3s = K3s(title.split(maxsplit=1)[0], digest_of(title.encode()), "k3s.service", (), ())
    lead = Node("node-1", "server", "10.77.0.11", Host(1), k3s)
    return Payload("store-042", title, (lead, Node("node-2", "agent", "10.77.0.12", Host(1), k3s)), (), {})


@dataclass
class Member:
    """One node of the two, with its slots."""

    node: FakeNode
    name: str
    sequence: int = 0

    @property
    def slots(self) -> Slots:
        """Read them anew."""
        return Slots(self.node.places)

    def take(self, title: str, *, promote: bool = True) -> None:
        """Accept a payload, and promote it."""
        made = payload(title)
        self.node.places.blobs.mkdir(parents=True, exist_ok=True)
        self.node.places.blob(made.digest).write_bytes(made.encode())
        engine = self.node.places.runtime(digest_of(b"")) / "__main__.py"
        engine.parent.mkdir(parents=True, exist_ok=True)
        engine.touch()
        self.sequence += 1
        offer = Envelope("store-042", self.name, made.digest, digest_of(b""), "", self.sequence, "t", Sender("a", "b"))
        slot = self.slots.accept(replace(offer, lead="" if self.name == "node-1" else "run1"))
        if promote:
            self.slots.promote(slot)

    def said(self, key: str, name: str) -> dict[str, Any]:
        """Return an annotation."""
        return dict(json.loads(self.node.kube.objects[path_of(name)]["metadata"]["annotations"][key]))

    def hears(self, sequence: int, base: str, apps: str = "") -> None:
        """Let the lead have said what it decided."""
        doc = {"sequence": sequence, "base": payload(base).digest, "apps": payload(apps or base).digest}
        self.node.kube.objects[path_of(self.name)] = {"metadata": {"annotations": {DECIDED: json.dumps(doc)}}}

    def follows(self) -> tuple[int, int]:
        """Look what the lead says; return which base and apps are current then."""
        slots = self.slots
        heed(self.node.places, slots, self.node)
        assert slots.current is not None
        return slots.current.envelope.sequence, slots.apps_of(slots.current).envelope.sequence


@pytest.fixture
def agent(node: FakeNode) -> Member:
    """Return an agent that runs v1 and then v2."""
    made = Member(node, "node-2")
    made.take("v1")
    made.take("v2")
    return made


def test_it_goes_back_with_its_lead(agent: Member) -> None:
    """The lead has turned sequence 2 down and runs v1 again: so does the agent."""
    agent.hears(2, "v1")
    assert agent.follows() == (1, 1)
    agent.hears(3, "v2", "v1")
    assert agent.follows() == (2, 1)


def test_it_stays_while_its_lead_is_still_at_it(agent: Member) -> None:
    """What the lead said before it took sequence 2 is about sequence 1: no reason to go back."""
    agent.hears(1, "v1")
    assert agent.follows() == (2, 2)


def test_it_stays_when_it_cannot_hear_or_has_no_content(agent: Member) -> None:
    """A cluster that does not answer, a word that is none, a payload that is not here: it serves what it has."""
    assert agent.follows() == (2, 2)
    agent.hears(9, "v9")
    assert agent.follows() == (2, 2)
    agent.hears(2, "v1")
    agent.node.kube.down = True
    assert agent.follows() == (2, 2)


@pytest.mark.parametrize("what", ["payload", "engine"])
def test_it_stays_when_what_to_go_back_to_was_swept(agent: Member, what: str) -> None:
    """A slot whose content is gone is nothing to go back to: the node would have nothing to heal itself by."""
    agent.hears(2, "v1")
    places = agent.node.places
    gone = places.blob(payload("v1").digest) if what == "payload" else places.runtime(digest_of(b"")) / "__main__.py"
    gone.unlink()
    assert agent.follows() == (2, 2)


def test_it_does_not_go_back_by_a_minor_version(node: FakeNode) -> None:
    """k3s cannot; the lead, which may have failed before its own, is waited for."""
    agent = Member(node, "node-2")
    agent.take("v1.35.1 first")
    agent.take("v1.36.1 second")
    agent.hears(2, "v1.35.1 first")
    assert agent.follows() == (2, 2)


@pytest.mark.parametrize("said", ['{"sequence": null}', '{"sequence": "2"}', "[]", "no json"])
def test_a_word_that_is_none_changes_nothing(agent: Member, said: str) -> None:
    """Whatever stands there: it goes on with what it has."""
    agent.node.kube.objects[path_of("node-2")] = {"metadata": {"annotations": {DECIDED: said}}}
    assert agent.follows() == (2, 2)


def test_what_it_has_turned_down_itself_it_does_not_take(agent: Member) -> None:
    """The lead runs v2, which this node could not be: it stays on v1 and says why."""
    slots = agent.slots
    assert slots.current is not None
    slots.put_back(slots.all()[1], None)
    slots.reject(slots.all()[0], reason="no room", time="t", run="r")
    agent.hears(2, "v2")
    assert agent.follows() == (1, 1)
    tell(agent.node.places, agent.slots, agent.node, READY)
    said = agent.said(STANDS, "node-2")
    assert said["part"] == part_of(payload("v1").node("node-2"))
    assert (said["rejected"], said["why"]) == (2, "no room")


def test_a_candidate_goes_when_its_lead_has_gone_back(agent: Member) -> None:
    """Taken with the lead and not tried yet: tried when the lead keeps it, dropped when it does not."""
    agent.take("v3", promote=False)
    agent.hears(3, "v3")
    assert agent.follows() == (2, 2)
    assert agent.slots.candidate is not None
    agent.hears(3, "v1")
    assert agent.follows() == (1, 1)
    assert agent.slots.candidate is None


def test_what_is_accepted_meanwhile_is_not_decided(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: an agent that has 2 already must not hear that 2 is decided, and is what ran before."""
    lead = Member(node, "node-1")
    node.kube.objects[path_of("node-2")] = {"metadata": {}}
    lead.take("v1")
    monkeypatch.setattr(Slots, "candidate", property(lambda _: lead.take("v2", promote=False)))
    tell(node.places, lead.slots, node, READY)
    assert lead.said(DECIDED, "node-2")["sequence"] == 1


def test_a_heal_that_steps_aside_tells_no_decision(node: FakeNode) -> None:
    """Law: what it steps aside for is being accepted just then; its own run tells what becomes of it."""
    lead = Member(node, "node-1")
    node.kube.objects[path_of("node-2")] = {"metadata": {}}
    lead.take("v1")
    lead.take("v2", promote=False)
    (node.places.slots / "candidate").unlink()  # half accepted
    tell(node.places, lead.slots, node, Verdict("interrupted", 130, "a deploy goes first"))
    assert node.kube.objects[path_of("node-2")] == {"metadata": {}}


def test_the_lead_tells_when_it_has_decided(node: FakeNode) -> None:
    """Nothing while a candidate is open; then sequence, base and apps, on every other node that is there."""
    lead = Member(node, "node-1")
    node.kube.objects[path_of("node-2")] = {"metadata": {}}
    lead.take("v1", promote=False)
    tell(node.places, lead.slots, node, READY)
    assert node.kube.objects[path_of("node-2")] == {"metadata": {}}
    lead.take("v2")
    tell(node.places, lead.slots, node, READY)
    said = lead.said(DECIDED, "node-2")
    assert (said["sequence"], said["base"], said["apps"]) == (2, payload("v2").digest, payload("v2").digest)
    assert said["engine"] == digest_of(b"")
    assert heed(node.places, lead.slots, node) is not None
    node.kube.down = True
    tell(node.places, lead.slots, node, READY)  # who cannot be told now is told by the next run
