"""What a store's other nodes join with: asked for as long as the lead may come to make it, and not for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgectl.control.deploy import together
from edgectl.control.deploy.together import Together
from edgectl.wire.errors import Bug, EdgectlError, NotReady, Unreachable
from tests.unit.control.deploy.node import Node
from tests.unit.control.deploy.silent import Silent
from tests.unit.control.deploy.test_together import OFFER

AWAY = Unreachable("node-1 did not answer")
DIES = Bug("the engine on node-1 ended by itself (exit 143)")
NONE_YET = NotReady("k3s has not made its join token yet")


def pressed(monkeypatch: pytest.MonkeyPatch, answers: Iterable[EdgectlError], *, works: bool) -> tuple[Any, float]:
    """Press once; returns what became of the follower, and the seconds that went by.

    Each answer to who asks for the token takes 700 s. A lead that `works` does so until the token is given.
    """
    clock, left = SimpleNamespace(now=0.0), iter(answers)
    given = Event()

    def token(*_: object, **__: object) -> str:
        clock.now += 700
        if error := next(left, None):
            raise error
        given.set()
        return "K10abc::server:secret"

    def sleep(seconds: float) -> None:
        clock.now += seconds

    def lead_works() -> None:
        while works and whole.lead.outcome.run and not (given.is_set() or whole.ended):
            given.wait(0.01)

    monkeypatch.setattr(together, "join_token", token)
    monkeypatch.setattr(together, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    lead, agent = Node(on_receive=lead_works), Node()
    followers = {"node-2": (replace(OFFER, node="node-2"), cast("Any", agent.connect))}
    whole = Together(OFFER, cast("Any", lead.connect), Silent(), followers)
    outcome = whole.run()
    return outcome.others["node-2"], clock.now


def test_a_lead_that_works_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: packages, a driver's build and a restart of the lead's machine take none of the others out of the deploy.

    Seeded faults: 600 s from the acceptance, whatever the lead does; an engine that goes down, or has waited in vain,
    as the end of it.
    """
    ended, seconds = pressed(monkeypatch, [NONE_YET, AWAY, DIES, AWAY, NONE_YET], works=True)
    assert (ended["exit"], ended["word"]) == (0, "ready")
    assert seconds > 6 * 700


@pytest.mark.parametrize(("error", "code"), [(AWAY, 4), (NONE_YET, 5), (DIES, 1)])
def test_a_lead_that_has_ended_is_not_asked_for_ever(
    error: EdgectlError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: behind the lead's verdict what it answers is the answer, and a bad link has 600 s."""
    ended, _ = pressed(monkeypatch, iter(lambda: error, None), works=False)
    assert (ended["exit"], ended["reason"]) == (code, error.message)
