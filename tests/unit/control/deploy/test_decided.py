"""What a node's greeting says of an offer: what has become of it behind a lost link, and that all is as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from edgectl.control.deploy.deploy import Deploy
from edgectl.wire.errors import Locked
from tests.unit.control.deploy.node import Node
from tests.unit.control.deploy.test_deploy import OFFER, Heard, brought, deploy

BAD = {"word": "not ready", "reason": "gpu: 0 of 1", "exit": 5}
GOOD = {"word": "ready", "reason": "", "exit": 0}
ACCEPTED = 10  # the frame that says it, of a deploy that sends all


def running(ends: dict[str, Any], *, breaks_at: int = 0) -> Node:
    """Return a node that runs something else already."""
    return Node(ends=ends, breaks_at=breaks_at, current={"payload": "sha256:old", "sequence": 6}, sequence=6)


@pytest.mark.parametrize("ends", [GOOD, BAD])
def test_what_was_decided_behind_a_lost_link_is_followed(ends: dict[str, Any]) -> None:
    """Law: one press is one run, wherever the link dies: what it was rejected for is heard, and not tried again.

    Seeded fault: an offer anew whenever `accepted` was lost, which took a bad deploy through the store twice.
    """
    broken = []
    for frame in range(1, 100):
        node, heard = running(ends, breaks_at=frame), Heard()
        outcome = brought(node, heard)
        assert list(node.journals) == [outcome.run], f"tried again, broken at {node.broken}"
        assert (outcome.verdict["exit"], outcome.sequence, outcome.before, outcome.serving) == (ends["exit"], 7, 6, 6)
        assert [event.get("step") for event in heard.events] == ["files", "k3s", "gpu", None]
        if not node.broken:
            break
        broken.append(node.broken)
    assert broken[ACCEPTED - 1] == "<- accepted"


def test_a_press_of_what_was_rejected_before_is_a_new_one() -> None:
    """Law: a person's deploy tries again what was rejected: only what this press has begun is followed."""
    for frame in range(1, 100):
        node = running(BAD)
        brought(node)
        node.frames, node.breaks_at = 0, frame
        assert (brought(node).run, list(node.journals)) == ("run2", ["run1", "run2"])
        if not node.broken:
            return
    pytest.fail("it never ends")


def test_somebody_elses_run_of_the_same_is_not_taken_for_ours() -> None:
    """Law: a run that another sender has begun says nothing of what became of our offer, which is then made anew."""
    node = running(BAD, breaks_at=ACCEPTED)

    def connect() -> Any:
        if node.broken and node.newest:
            node.newest["sender"] = {"user": "bob", "host": "desk", "key": "SHA256:other"}
        return node.connect()

    assert deploy(node, connect=connect).run().run == "run2"


def test_what_was_cancelled_before_it_ran_is_not_offered_again() -> None:
    """Law: somebody's cancel stands, though nobody here has heard that there was something to cancel."""
    node = running(BAD, breaks_at=ACCEPTED)

    def connect() -> Any:
        if node.broken and node.newest:
            node.newest["rejected"] = {"run": "", "time": "later", "reason": "cancelled by bob"}
        return node.connect()

    with pytest.raises(Locked, match="has turned sequence 7 down before it ran: cancelled by bob"):
        deploy(node, connect=connect).run()
    assert list(node.journals) == ["run1"]


@pytest.mark.parametrize("runs", ["sha256:old", OFFER.payload, "sha256:other", ""])
def test_what_was_chosen_upon_something_is_offered_upon_that_alone(runs: str) -> None:
    """Law: it must still run, or the offer itself, which a lost link may hide: whatever frame is the last."""
    for frame in range(1, 100):
        node = running(GOOD, breaks_at=frame)
        node.current = {"payload": runs, "sequence": 6} if runs else None
        chosen = Deploy(replace(OFFER, upon="sha256:old"), cast("Any", node.connect), Heard(), sleep=lambda _: None)
        if runs in {"sha256:old", OFFER.payload}:
            assert chosen.run().verdict["word"] == "ready"
        else:
            with pytest.raises(Locked, match="has changed since you looked"):
                chosen.run()
            assert node.journals == {}
        if not node.broken:
            return
    pytest.fail("it never ends")


class TakenBack(Node):
    """A node whose run is about something else: what was offered was taken back before it began."""

    about = "sha256:old"

    def begin(self, envelope: dict[str, Any]) -> str:
        """Run to the end, and say what it was about."""
        run = super().begin(envelope)
        self.journals[run][-1][0]["data"]["payload"] = self.about
        return run


@pytest.mark.parametrize(("code", "word", "counts"), [(0, "ready", 130), (9, "degraded", 130), (6, "not ready", 6)])
def test_a_verdict_about_something_else_is_no_success(code: int, word: str, counts: int) -> None:
    """Law: a deploy has succeeded when what it has offered was tried; what runs in its place may well be ready.

    Seeded fault: exit 0 for whoever was cancelled between the acceptance and the run. What the node itself calls no
    success keeps its word.
    """
    node, heard = TakenBack(ends={"word": word, "reason": "as it was", "exit": code}), Heard()
    outcome = brought(node, heard)
    assert (outcome.verdict["exit"], heard.events[-1]["data"]["exit"]) == (counts, counts)
    is_ours = counts == code
    assert outcome.verdict["word"] == heard.events[-1]["word"] == (word if is_ours else "interrupted")
    assert ("has not tried what was offered" in outcome.verdict["reason"]) is not is_ours
    node = TakenBack(ends={"word": word, "reason": "as it was", "exit": code})
    node.about = OFFER.payload
    assert brought(node).verdict["exit"] == code
