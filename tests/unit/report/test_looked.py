"""What a look has shown: plan and status as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.deploy.look import Seen
from edgectl.report.looked import planned, running, standing
from edgectl.wire.errors import Exit

DRIFT = {
    "kind": "step",
    "step": "k3s",
    "title": "k3s",
    "word": "drifted",
    "reason": "differs",
    "differences": [["a", "b", "c"]],
}
FAILED = {
    "kind": "step",
    "step": "gpu",
    "title": "gpu",
    "word": "failed",
    "reason": "0 of 2",
    "evidence": ["lspci: none"],
}
BLOCKED = [{"step": f"s{n}", "title": f"t{n}", "word": "blocked"} for n in range(5)]
ENVELOPE = {
    "sequence": 7,
    "payload": "sha256:" + "a" * 64,
    "created": "2026-11-21T13:02:11Z",
    "commit": "a41f9c2000",
    "summary": "detector 1.4",
    "sender": {"user": "ada", "host": "laptop"},
}


def seen(*events: dict[str, Any], word: str = "ready", code: int = Exit.OK, missing: int = 0, **hello: Any) -> Seen:
    """Return a look."""
    return Seen(
        hello=hello,
        events=list(events),
        verdict={"word": word, "exit": code, "looked": 25, "reason": ""},
        missing_blobs=1 if missing else 0,
        missing_bytes=missing,
        link_bytes=9_100,
        seconds=1.6,
    )


def test_a_plan_without_changes_says_so() -> None:
    """One line, with what it cost."""
    assert planned("s", seen(), 0) == "s: nothing to change; it is READY (25 looked at, 9.1 KB, 1.6 s)."


def test_a_plan_lists_changes_what_is_hidden_behind_them_and_bytes() -> None:
    """Steps with their differences, how many can be seen only after them, what is sent, what to do next."""
    text = planned("s", seen(DRIFT, *BLOCKED, word="pending", code=Exit.PENDING, missing=31_000_000), 412_000_000)
    assert text.startswith("s would change in 1 step ")
    assert "31.0 MB of 412.0 MB" in text
    assert "a: b -> c" in text
    assert "5 steps can be seen only after that: t0, t1, t2, ..." in text
    assert text.splitlines()[-1] == "  next      edgectl deploy s"


def test_a_plan_that_would_not_help_says_so() -> None:
    """A dead GPU is no change to be made: evidence and advice instead."""
    text = planned("s", seen(FAILED, word="not ready", code=Exit.NOT_READY), 0)
    assert "no change would mend it" in text
    assert "lspci: none" in text
    assert "edgectl gpu s" in text


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (seen(word="ready"), "s is READY"),
        (seen(DRIFT, word="pending", code=Exit.PENDING), "s is NOT AS DEPLOYED: 1 step differs"),
        (seen(DRIFT, DRIFT, word="pending", code=Exit.PENDING), "s is NOT AS DEPLOYED: 2 steps differ "),
        (seen(FAILED, word="not ready", code=Exit.NOT_READY), "s is NOT READY"),
        (seen(word="unknown", code=Exit.NOT_READY), "s is UNKNOWN"),
    ],
)
def test_the_headline_of_a_status(look: Seen, says: str) -> None:
    """The store's word comes first."""
    assert standing("s", look).startswith(says)


def test_a_paused_store_promises_no_repair() -> None:
    """Who looks at a paused store is not told that the node will put it back within minutes."""
    drifted = seen(DRIFT, word="pending", code=Exit.PENDING, pause="paused by ada until 14:00: rack")
    assert "within minutes" not in standing("s", drifted)
    assert "paused    by ada until 14:00: rack" in standing("s", drifted)


def test_a_status_says_what_runs_what_waits_and_what_was_rejected() -> None:
    """Each with sequence, digest, sender and commit."""
    hello = {
        "current": ENVELOPE,
        "candidate": {**ENVELOPE, "sequence": 8},
        "newest": {**ENVELOPE, "sequence": 9, "rejected": {"reason": "it crash-loops", "time": "t"}},
        "holder": {"kind": "deploy", "sender": {"user": "bob", "host": "ci"}, "since": "13:02"},
    }
    text = "\n".join(running(hello))
    for words in (
        "runs      sequence 7, payload aaaaaaaaaaaa, by ada@laptop",
        "becomes   sequence 8",
        "rejected  sequence 9",
    ):
        assert words in text
    assert 'commit a41f9c2 "detector 1.4"' in text
    assert "because it crash-loops" in text
    assert "a deploy by bob@ci since 13:02" in text


def test_a_bare_node_runs_nothing() -> None:
    """No lines, no crash, with any part missing."""
    assert running({}) == []
    assert running({"holder": {}, "current": None, "newest": None}) == []
