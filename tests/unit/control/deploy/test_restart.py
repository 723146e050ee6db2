"""A machine that restarts in its deploy, as the operator sees it: waited for, told once, and never for ever."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from edgectl.control.deploy import restarting
from edgectl.control.deploy.deploy import Deploy
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.wire.errors import Bug, EdgectlError, NotReady, Unreachable
from tests.unit.control.deploy.test_deploy import OFFER, Clock, Heard

REASON = "driver: the kernel runs NVIDIA 1, 2 is installed"
HELLO: dict[str, Any] = {"op": "hello", "current": None, "sequence": 0}
TAKEN: list[Any] = [HELLO, {"op": "want", "blobs": []}, {"op": "accepted", "run": "r1", "sequence": 1}]
GOES = {"kind": "step", "step": "reboot", "word": "rebooting", "reason": REASON}
BACK = {"kind": "run", "reason": "deploy", "data": {"boot": "2", "restarts": 1}}
STAYS = {"kind": "step", "step": "reboot", "word": "failed", "reason": "it has not gone down"}
READY = {"kind": "verdict", "word": "ready", "data": {"exit": 0}}
GONE = LinkLost("the link to node-1 is lost")
AWAY = Unreachable("node-1 did not answer")
Frame = dict[str, Any] | EdgectlError


def said(*events: dict[str, Any]) -> list[Frame]:
    """Return events as they come."""
    return [{"op": "event", "event": item, "offset": 100 * (at + 1)} for at, item in enumerate(events)]


@dataclass
class Hears(Heard):
    """Remembers restarts, too."""

    restarts: list[Any] = field(default_factory=list)

    def restarting(self, node: str, reason: str) -> None:
        """Remember it."""
        self.restarts.append((node, reason))

    def restarted(self, node: str, seconds: float | None) -> None:
        """Remember it."""
        self.restarts.append((node, seconds))


class Session:
    """One connection; also its own frames."""

    key, link_bytes, queued_bytes = "SHA256:test", 10, 0

    def __init__(self, frames: list[Frame], asked: list[str]) -> None:
        self.frames = self
        self._left = deque(frames)
        self._asked = asked

    def is_alive(self) -> bool:
        """Say that it was not hung up."""
        return True

    def send(self, op: str, /, **fields: Any) -> None:
        """Remember what was asked."""
        self._asked.append(f"{op} {fields['offset']}" if "offset" in fields else op)

    def receive(self) -> dict[str, Any]:
        """Give the next frame, or break."""
        frame = self._left.popleft() if self._left else GONE
        if isinstance(frame, EdgectlError):
            raise frame
        return frame

    def close(self) -> None:
        """Hang up."""


def press(*sessions: list[Frame] | EdgectlError) -> tuple[Deploy, Hears, Clock, list[str]]:
    """Return a deploy to a node whose connections go like this, one after the other; the last one for ever."""
    left, heard, clock, asked = deque(sessions), Hears(), Clock(), list[str]()

    def connect() -> Session:
        clock.now += 10
        found = left.popleft() if len(left) > 1 else left[0]
        if isinstance(found, EdgectlError):
            raise found
        return Session(found, asked)

    deploy = Deploy(
        OFFER, cast("Any", connect), heard, monotonic=lambda: clock.now, sleep=clock.sleep, reconnect_seconds=60
    )
    return deploy, heard, clock, asked


@pytest.mark.parametrize(
    "end",
    [
        GONE,
        Bug("the engine on node-1 ended by itself (exit 143)"),
        {"op": "error", **NotReady("this node cannot go on: Input/output error").to_json()},
    ],
)
def test_it_is_waited_for_and_gone_on_with(end: Frame) -> None:
    """Law: at the offset behind what was heard; the link is lost on purpose, and longer than for a bad one."""
    away: list[Any] = [AWAY] * 10
    deploy, heard, _, asked = press([*TAKEN, *said(GOES), end], *away, [HELLO, *said(BACK, READY)])
    outcome = deploy.run()
    assert asked == ["deploy", "follow 100"]
    (restart,) = outcome.reboots
    assert (restart["node"], restart["reason"]) == ("node-1", REASON)
    assert restart["seconds"] > 100, "longer than a link that is only bad is waited for"
    assert heard.restarts == [("node-1", REASON), ("node-1", restart["seconds"])]
    assert (heard.losses, heard.backs) == ([], 0)
    assert [item["kind"] for item in heard.events] == ["run", "verdict"]
    assert outcome.verdict["word"] == "ready"


def test_a_machine_that_does_not_come_back_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4, with how long, why, and what to look at."""
    monkeypatch.setattr(restarting, "AWAY_SECONDS", 900.0)
    deploy, _, clock, _ = press([*TAKEN, *said(GOES)], AWAY)
    with pytest.raises(Unreachable, match="node-1 has not come back from its restart within 15 minutes") as told:
        deploy.run()
    assert 900 < clock.now < 960
    assert told.value.exit == 4
    assert "the same command re-attaches" in told.value.hint
    assert AWAY.message in told.value.details


def test_another_host_key_is_not_waited_for() -> None:
    """Somebody else answers: a person must look."""
    deploy, _, clock, _ = press([*TAKEN, *said(GOES)], WrongHostKey("another key"))
    with pytest.raises(WrongHostKey):
        deploy.run()
    assert clock.now < 60


def test_a_machine_that_stays_is_no_restart() -> None:
    """Its step says why; the link is an ordinary one again."""
    deploy, heard, _, _ = press([*TAKEN, *said(GOES, STAYS), GONE], [HELLO, *said(READY)])
    outcome = deploy.run()
    assert outcome.reboots == []
    assert (heard.losses, heard.backs) == ([1], 1)


def test_a_restart_that_nobody_has_seen_is_told_without_a_time() -> None:
    """The link was lost before it, and back after it."""
    deploy, heard, _, _ = press([*TAKEN, GONE], AWAY, [HELLO, *said(GOES, BACK, READY)])
    assert deploy.run().reboots == [{"node": "node-1", "reason": REASON, "seconds": None}]
    assert heard.restarts[-1] == ("node-1", None)


def test_two_restarts_are_two() -> None:
    """Each with a patience of its own."""
    last: list[Frame] = [HELLO, *said(BACK, READY)]
    deploy, _, _, _ = press([*TAKEN, *said(GOES)], AWAY, [HELLO, *said(BACK, GOES)], AWAY, last)
    assert len(deploy.run().reboots) == 2


def test_a_crash_at_any_other_time_is_one() -> None:
    """Coming back would not help."""
    for error in (Bug("it ended by itself"), NotReady("this node cannot go on")):
        deploy, _, _, _ = press([*TAKEN, error])
        with pytest.raises(type(error)):
            deploy.run()
