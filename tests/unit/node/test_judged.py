"""What a node says to a k3s that is offered: ahead of its content, and when it is accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.node.judged import check, may_follow_said
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Refused
from edgectl.wire.k3s import versions_of
from tests.unit.node.fake import FakeNode
from tests.unit.node.test_follow import Member, payload

OLDER, NEWER = "v1.36.2+k3s1 older", "v1.36.3+k3s1 newer"


def _offered(member: Member, title: str) -> None:
    """Say its versions first, as a stage does; then all of it, as an accept does."""
    made = payload(title)
    blobs = member.node.places.blobs
    blobs.mkdir(parents=True, exist_ok=True)
    member.node.places.blob(made.digest).write_bytes(made.encode())
    member.node.places.blob(digest_of(title.encode())).write_bytes(title.encode())
    offer = Envelope("store-042", member.name, made.digest, digest_of(b""), "", 9, "t", Sender("a", "b"))
    offer = replace(offer, lead="" if member.name == "node-1" else "run1")
    may_follow_said(member.node.places, offer, to_json(versions_of(made)))
    check(member.node.places, member.slots, offer)


def test_an_agent_that_was_replaced_lets_its_store_go_back(node: FakeNode) -> None:
    """Law: back to the patch version before, where the server has run it, whatever an agent has.

    Seeded: each node asks.
    """
    agent = Member(node, "node-2")
    agent.take(NEWER)
    assert agent.slots.previous is None
    _offered(agent, OLDER)


def test_a_server_goes_back_to_what_it_has_run_only(node: FakeNode) -> None:
    """One that was put back from a backup of today refuses; with what ran before, it goes."""
    lead = Member(node, "node-1")
    lead.take(NEWER)
    with pytest.raises(Refused, match="not what ran before it"):
        _offered(lead, OLDER)
    lead.take(OLDER)
    lead.take(NEWER)
    _offered(lead, OLDER)
