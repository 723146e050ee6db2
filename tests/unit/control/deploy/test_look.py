"""Questions that change nothing: what is asked, what an error or a broken link becomes, which exit code a plan has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from edgectl.control.deploy import look
from edgectl.control.deploy.look import Seen
from edgectl.control.link.lost import LinkLost
from edgectl.wire.errors import NotReady
from edgectl.wire.frame import FrameError
from tests.unit.control.deploy.silent import Silent


class Answering:
    """A session whose node answers each question from a table."""

    link_bytes = 7
    key = ""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.frames = self
        self.answers = answers
        self.closed = False
        self.waiting: list[dict[str, Any]] = [{"op": "hello", "sequence": 3}]

    def send(self, op: str, /, **_: Any) -> None:
        """Take a question."""
        self.waiting += self.answers[op]

    def send_bytes(self, data: bytes) -> None:
        """Take a payload."""
        assert data

    def receive(self) -> dict[str, Any]:
        """Give the next answer."""
        if not self.waiting:
            raise FrameError("the other side ended")
        return self.waiting.pop(0)

    def close(self) -> None:
        """Hang up."""
        self.closed = True


def opening(session: Answering) -> Callable[[], Any]:
    return lambda: cast("Any", session)


STEP = {"op": "event", "event": {"kind": "step", "step": "gpu", "word": "ok"}}
VERDICT = {"op": "verdict", "verdict": {"word": "ready", "exit": 0}}


def test_status_gathers_all_until_the_verdict() -> None:
    """Greeting, steps, verdict and what it cost."""
    session = Answering(status=[STEP, VERDICT])
    seen = look.status(opening(session), Silent())
    assert (seen.hello["sequence"], len(seen.events), seen.verdict["word"], seen.link_bytes) == (3, 1, "ready", 7)
    assert session.closed


def test_an_error_of_the_node_is_raised_as_it_was_said() -> None:
    """Class, sentence and hint cross the link; the session is closed."""
    said = NotReady("nothing has been deployed to this node yet", hint="edgectl deploy STORE")
    session = Answering(status=[{"op": "error", **said.to_json()}], pause=[{"op": "error", **said.to_json()}])
    with pytest.raises(NotReady) as raised:
        look.status(opening(session), Silent())
    assert (raised.value.message, raised.value.hint) == (said.message, said.hint)
    assert session.closed
    session.waiting = [{"op": "hello"}]
    with pytest.raises(NotReady):
        look.ask(opening(session), "pause")


@pytest.mark.parametrize("answers", [[], [STEP]])
def test_a_conversation_that_breaks_off_is_a_lost_link(answers: list[dict[str, Any]]) -> None:
    """Never a bug, and never a verdict."""
    with pytest.raises(LinkLost):
        look.status(opening(Answering(status=answers)), Silent())


@pytest.mark.parametrize(
    ("words", "missing", "code", "planned"),
    [
        ({"blobs": "ok", "gpu": "ok"}, 0, 0, 0),
        ({"blobs": "failed", "gpu": "ok"}, 10, 5, 10),  # what is not there yet is sent: a change, no fault
        ({"blobs": "failed", "host": "failed"}, 10, 5, 5),  # a full disk stays a full disk
        ({"blobs": "failed", "gpu": "unknown"}, 10, 5, 5),
        ({"blobs": "failed", "k3s": "drifted"}, 10, 10, 10),
        ({"blobs": "failed", "k3s": "blocked"}, 0, 5, 5),
    ],
)
def test_the_exit_code_of_a_plan(words: dict[str, str], missing: int, code: int, planned: int) -> None:
    """Missing content is pending; whatever else is wrong stays wrong."""
    events = [{"step": step, "word": word} for step, word in words.items()]
    assert Seen(events=events, verdict={"exit": code}, missing_bytes=missing).exit == planned
