"""A store of several nodes: the lead first, the others with it, and what becomes of one that is not there."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from edgectl.control.deploy import together
from edgectl.control.deploy.caps import Caps
from edgectl.control.deploy.everywhere import everywhere
from edgectl.control.deploy.everywhere import together as looked
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.together import Together
from edgectl.control.deploy.transfer import Progress
from edgectl.control.link.session import Session
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import EdgectlError, Locked, Refused, Unreachable
from edgectl.wire.payload import Host, K3s, Payload
from edgectl.wire.payload import Node as PayloadNode
from tests.unit.control.deploy.node import Node
from tests.unit.control.deploy.silent import Silent


@dataclass
class Heard(Silent):
    """What is told of the bytes."""

    shown: list[Progress] = field(default_factory=list)
    limits: list[float | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sending(self, look: Callable[[], Progress]) -> None:
        """Remember."""
        self.shown.append(look())

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Remember."""
        del caps
        self.limits.append(limit)

    def note(self, sentence: str) -> None:
        """Remember."""
        self.notes.append(sentence)


OFFER = Offer("store-042", "node-1", "sha256:p", "sha256:r", {}, {}, Sender("ada", "laptop"))


def press(lead: Node, agent: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, *, after: int = 0) -> dict[str, Any]:
    """Press once; return verdict and others."""
    monkeypatch.setattr(together, "join_token", lambda *_, **__: "K10abc::server:secret")
    offer = replace(OFFER, node="node-2")
    connect = cast("Callable[[], Session]", lead.connect)
    whole = Together(replace(OFFER, after=after), connect, Silent(), {"node-2": (offer, agent)})
    outcome = whole.run()
    return {"verdict": outcome.verdict, "others": outcome.others, "changed": outcome.changed}


def test_the_others_take_what_the_lead_has_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same payload, the lead's sequence and run; what both changed is counted once each."""
    lead, agent = Node(sequence=6), Node()
    said = press(lead, agent.connect, monkeypatch)
    assert (said["verdict"]["exit"], said["others"]["node-2"]["exit"]) == (0, 0)
    staging, session = agent.sessions
    assert [op for op, _ in staging.sent] == ["stage"]
    (asked,) = [fields for op, fields in session.sent if op == "deploy"]
    assert (asked["envelope"]["sequence"], asked["envelope"]["lead"]) == (7, "run1")
    assert str(asked["join_token"]).startswith("K10abc::")
    assert "node-2/k3s" in said["changed"]


def test_the_bytes_of_all_nodes_are_told_and_limited_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what followers are sent is in the one progress, under the one limit, and in the sum that JSON has.

    Seeded faults: a line for each node; followers that show nothing while hours of bytes go to them.
    """
    monkeypatch.setattr(together, "join_token", lambda *_, **__: "K10abc::server:secret")
    blob = random.Random(1).randbytes(20_000)  # noqa: S311 - it cannot be packed, that is all
    offer = replace(OFFER, blobs={digest_of(blob): len(blob)}, sources={digest_of(blob): blob})
    lead, agent, heard = Node(), Node(), Heard()
    line = Line(Caps(asked=10_000_000))
    connect = cast("Callable[[], Session]", lead.connect)
    agents = {"node-2": (replace(offer, node="node-2"), cast("Callable[[], Session]", agent.connect))}
    outcome = Together(offer, connect, heard, agents, line).run()
    assert (outcome.bytes_missing, outcome.blob_bytes, outcome.wire_bytes) == (40_000, 40_000, 40_000)
    assert outcome.seconds_estimate == pytest.approx(0.004)
    assert heard.limits == [10_000_000]
    done = [one for one in heard.shown if one.is_done]
    assert {one.total_bytes for one in done} == {20_000}, "one stage, then the other"
    assert len(heard.shown) > len(done)
    assert "node-2: 0.0 MB to send" in heard.notes


def test_one_that_cannot_be_reached_leaves_the_store_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and the lead's deploy stands."""

    def nobody() -> Any:
        raise Unreachable("node-2 did not answer within 15 s")

    lead = Node()
    said = press(lead, nobody, monkeypatch)
    assert (said["verdict"]["exit"], said["others"]["node-2"]["exit"]) == (9, 4)
    (asked,) = [fields for op, fields in lead.sessions[0].sent if op == "deploy"]
    assert asked["envelope"]["without"] == ["node-2"]
    assert "node-2 did not answer" in said["verdict"]["reason"]


def test_a_new_lead_begins_after_what_the_others_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lead that was installed anew knows no sequence; the others take none that is not newer than theirs."""
    lead, agent = Node(), Node(sequence=12)
    press(lead, agent.connect, monkeypatch)
    assert (lead.sequence, agent.sequence) == (13, 13)


@pytest.mark.parametrize(("knows", "then"), [(12, 21), (30, 31)])
def test_a_new_lead_begins_after_its_backup_too(knows: int, then: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what a cluster that was put back had reached counts as what its followers have; the newer one wins."""
    lead, agent = Node(), Node(sequence=knows)
    press(lead, agent.connect, monkeypatch, after=20)
    assert (lead.sequence, agent.sequence) == (then, then)


def test_what_is_wrong_with_the_lead_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lead that is not ready is the store's verdict, whatever the others say."""
    lead = Node(ends={"word": "not ready", "reason": "gpu: none", "exit": 5})
    agent = Node(refuses=Refused("it has turned sequence 1 down"))
    said = press(lead, agent.connect, monkeypatch)
    assert (said["verdict"]["exit"], said["verdict"]["reason"]) == (5, "gpu: none")
    assert said["others"]["node-2"]["exit"] == 11


@pytest.mark.parametrize("error", [Locked("grace@desk sends a deploy"), Refused("this node belongs to store-043")])
def test_one_that_takes_nothing_ends_the_press(error: EdgectlError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else is at the store, or the node is another store's: said at once, and the lead is not even asked."""
    lead, agent = Node(), Node(stages=error)
    with pytest.raises(type(error)):
        press(lead, agent.connect, monkeypatch)
    assert lead.sessions == []


@pytest.mark.parametrize(
    ("lead", "other", "code", "names"),
    [
        (0, 0, 0, ""),
        (0, 10, 10, "node-2"),
        (0, 5, 9, "node-2"),
        (9, 10, 10, "node-2"),
        (10, 5, 10, ""),
        (5, 10, 5, ""),
    ],
)
def test_a_look_at_the_store_is_one_of_all_its_nodes(lead: int, other: int, code: int, names: str) -> None:
    """Changes that wait anywhere are pending; a node that is not well leaves the store degraded, by name."""
    seen = looked(
        Seen(verdict={"exit": lead, "reason": "", "looked": 9}),
        {"node-2": Seen(verdict={"exit": other, "reason": "k3s", "looked": 4}, events=[{"title": "k3s"}])},
    )
    assert (seen.verdict["exit"], seen.verdict["looked"]) == (code, 13)
    assert names in seen.verdict["reason"]
    assert seen.events == [{"title": "node-2 k3s"}]


def test_one_that_does_not_answer_is_an_answer() -> None:
    """Everybody is asked; who cannot be reached is named, and the store is degraded at best."""

    def nobody() -> Seen:
        raise Unreachable("node-3 is off")

    answers = everywhere({"node-2": lambda: Seen(verdict={"exit": 0}), "node-3": nobody})
    assert isinstance(answers["node-3"], EdgectlError)
    seen = looked(Seen(verdict={"exit": 0, "reason": ""}), answers)
    assert (seen.verdict["exit"], "node-3 is off" in seen.verdict["reason"]) == (9, True)
    assert seen.events[-1]["step"] == "node-node-3"


def test_nodes_of_a_store_are_told_that_they_have_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a press that sends something say first what they lack; one alone, or a rollback, costs no round trip."""
    monkeypatch.setattr(together, "join_token", lambda *_, **__: "K10abc::server:secret")
    part = PayloadNode("node-1", "server", "10.77.0.11", Host(1), K3s("v1", "sha256:k", "k3s.service", (), ()))
    payload = Payload("store-042", "", (part, replace(part, name="node-2", address="10.77.0.12")), (), {})
    data = payload.encode()
    offer = replace(OFFER, payload=payload.digest, blobs={payload.digest: len(data)}, sources={payload.digest: data})
    for given, asked in ((offer, True), (OFFER, None)):
        lead, agent = Node(), Node()
        connect = cast("Callable[[], Session]", lead.connect)
        agents = {"node-2": (replace(given, node="node-2"), cast("Callable[[], Session]", agent.connect))}
        Together(given, connect, Silent(), agents).run()
        sent = [session.sent[0] for session in (agent.sessions[0], lead.sessions[0])]
        assert [(op, fields.get("neighbours")) for op, fields in sent] == [("stage", asked), ("deploy", asked)]
