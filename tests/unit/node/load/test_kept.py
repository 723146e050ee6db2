"""A store of several nodes, loaded by stick: whichever node comes first, no node runs another set than its lead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.node.follow import DECIDED, heed
from edgectl.node.k3s.joined import path_of
from edgectl.node.load import kept
from edgectl.node.rack import load
from edgectl.node.sweep import sweep
from edgectl.wire.document import digest_of
from tests.stick import NOW, RackNode, Stick, at_rack, payload

V1, V2, V3 = (payload(title, nodes=2) for title in ("v1", "v2", "v3"))


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RackNode:
    """Return an agent that runs v1."""
    node = at_rack(tmp_path / "agent", monkeypatch)
    node.runs(V1, name="node-2", lead="run1")
    node.kube.objects[path_of("node-2")] = {"metadata": {}}
    return node


def hears(node: RackNode, sequence: object, base: str, engine: str = "") -> str:
    """Let the lead have decided, look, and return what is to be converged."""
    doc = {"sequence": sequence, "base": base, "apps": base} | ({"engine": engine} if engine else {})
    node.kube.objects[path_of("node-2")] = {"metadata": {"annotations": {DECIDED: json.dumps(doc)}}}
    slot = heed(node.places, node.slots, node)
    assert slot is not None
    return slot.envelope.payload


def test_the_lead_waits_for_nobody(stick: Stick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All others are named: the store is degraded until they have been loaded, too."""
    node = at_rack(tmp_path / "lead", monkeypatch)
    node.runs(V1)
    stick.offer(V2)
    node.load(stick.root)
    candidate = node.slots.candidate
    assert candidate is not None
    assert (candidate.envelope.without, candidate.envelope.lead) == (("node-2",), "")


def test_a_follower_keeps_it_until_its_lead_has_decided(stick: Stick, agent: RackNode) -> None:
    """All is here and verified, nothing is a candidate; then it is taken under the lead's sequence, with its proof."""
    stick.offer(V2)
    agent.load(stick.root)
    assert agent.slots.candidate is None
    assert agent.places.blob(digest_of(b"v2")).exists()
    waits = kept.kept(agent.places)
    assert waits is not None
    assert waits.payload == V2.digest
    assert hears(agent, 1, V1.digest) == V1.digest
    assert hears(agent, 7, V2.digest) == V2.digest
    candidate = agent.slots.candidate
    assert candidate is not None
    assert (candidate.envelope.sequence, candidate.envelope.sender.user) == (7, "ada@ops")
    assert (candidate.folder / "offer.json").read_bytes() == (stick.root / "offers/store-042.json").read_bytes()
    assert kept.kept(agent.places) is None


def test_a_lead_that_was_first_is_followed_at_once(stick: Stick, agent: RackNode) -> None:
    """The order does not matter: its word stands there already."""
    assert hears(agent, 7, V2.digest) == V1.digest
    stick.offer(V2)
    agent.load(stick.root)
    slot = heed(agent.places, agent.slots, agent)
    assert slot is not None
    assert (slot.envelope.payload, slot.envelope.sequence) == (V2.digest, 7)


def test_the_same_payload_with_another_engine_is_another_set(stick: Stick, agent: RackNode) -> None:
    """The lead has taken it with its own engine: what is kept with another one stays kept."""
    offer = stick.offer(V2)
    agent.load(stick.root)
    assert hears(agent, 7, V2.digest, digest_of(b"another engine")) == V1.digest
    assert kept.kept(agent.places) is not None
    assert hears(agent, 7, V2.digest, offer.runtime.digest) == V2.digest


@pytest.mark.parametrize("sequence", [0, None, "7", True])
def test_a_word_that_is_old_or_none_takes_nothing(sequence: object, stick: Stick, agent: RackNode) -> None:
    """It stays kept."""
    stick.offer(V2)
    agent.load(stick.root)
    assert hears(agent, sequence, V2.digest) == V1.digest
    assert kept.kept(agent.places) is not None


def test_a_lead_that_has_decided_for_something_else_is_not_overruled(stick: Stick, agent: RackNode) -> None:
    """Another payload than the one that is kept: nothing is taken."""
    stick.offer(V2)
    agent.load(stick.root)
    assert hears(agent, 7, V3.digest) == V1.digest
    assert kept.kept(agent.places) is not None


def test_what_was_turned_down_is_tried_again_when_it_is_loaded_again(stick: Stick, agent: RackNode) -> None:
    """A person has pressed: under the same sequence, which is the lead's."""
    stick.offer(V2)
    agent.load(stick.root)
    hears(agent, 7, V2.digest)
    candidate = agent.slots.candidate
    assert candidate is not None
    agent.slots.reject(candidate, reason="no room", time="t", run="r")
    assert hears(agent, 7, V2.digest) == V1.digest
    agent.load(stick.root)
    assert hears(agent, 7, V2.digest) == V2.digest
    assert agent.slots.candidate is not None
    assert agent.slots.candidate.rejected is None


def test_content_that_has_gone_is_not_taken(stick: Stick, agent: RackNode) -> None:
    """The node goes on with what it has."""
    stick.offer(V2)
    agent.load(stick.root)
    agent.places.blob(digest_of(b"v2")).unlink()
    assert hears(agent, 7, V2.digest) == V1.digest


def test_a_sweep_leaves_what_is_kept(stick: Stick, agent: RackNode) -> None:
    """Its blobs and its engine; without it they would go."""
    offer = stick.offer(V2)
    agent.load(stick.root)
    agent.runs(V3, name="node-2", lead="run2")
    for number in range(3):
        spare = agent.places.runtime(digest_of(bytes([number]))) / "__main__.py"
        spare.parent.mkdir()
        spare.touch()
    sweep(agent.places)
    assert agent.places.blob(digest_of(b"v2")).exists()
    assert (agent.places.runtime(offer.runtime.digest) / "__main__.py").exists()
    kept.forget(agent.places)
    sweep(agent.places)
    assert not agent.places.blob(digest_of(b"v2")).exists()


def test_a_newer_stick_takes_its_place_and_the_same_again_changes_nothing(stick: Stick, agent: RackNode) -> None:
    """One offer is kept, the newest; a follower that runs what it is given looks again."""
    stick.offer(V2)
    agent.load(stick.root)
    stick.offer(V3, serial=NOW + 5)
    agent.load(stick.root)
    waits = kept.kept(agent.places)
    assert waits is not None
    assert waits.payload == V3.digest
    hears(agent, 7, V3.digest)
    candidate = agent.slots.candidate
    assert candidate is not None
    agent.slots.promote(candidate)
    agent.load(stick.root)
    assert (kept.kept(agent.places), agent.slots.candidate, agent.slots.sequence) == (None, None, 7)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"envelope": {}, "files": []}', '{"envelope": 1}'])
def test_a_damaged_note_is_none(text: str, agent: RackNode) -> None:
    """The node goes on with what it has; the next load writes it anew."""
    agent.places.offers.mkdir(parents=True)
    (agent.places.offers / "kept.json").write_text(text)
    assert kept.kept(agent.places) is None
    assert hears(agent, 7, V2.digest) == V1.digest


def test_who_loads_a_follower_first_is_told_what_it_waits_for(
    stick: Stick, agent: RackNode, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 10; once it is taken, or turned down here, the verdict's own code."""
    stick.offer(V2)
    agent.load(stick.root)
    verdict = {"word": "ready", "exit": 0, "sequence": 1, "serving": 1}
    assert load._end(agent.places, verdict, 1, V2.digest) == 10
    assert "node-2 holds all of it, and takes it when its store's lead has decided for it" in capsys.readouterr().out
    hears(agent, 7, V2.digest)
    assert load._end(agent.places, verdict | {"exit": 5, "word": "not ready"}, 7, V2.digest) == 5
