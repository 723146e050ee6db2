"""The clock before k3s starts: never earlier than this node was on, waited for within bounds, poisoned by nothing."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.startup import clock
from edgectl.node.startup.clock import FAR_SECONDS, INSANE_SECONDS, ClockBoot, clock_boot, keep, last_known
from edgectl.node.startup.part import part
from edgectl.wire.envelope import Envelope, Sender
from tests.unit.node.fake import FakeNode

NOW = 1_790_000_000.0  # in 2026
YEAR = 365 * 86400.0
NEVER = float("inf")


@dataclass
class Start:
    """A boot with an injected clock. `answers_after`: seconds until somebody tells the time, and sets it."""

    places: Places
    now: float
    answers_after: float = NEVER
    may_set: bool = True
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)

    def boot(self, wait_seconds: float) -> Start:
        """Run it."""
        ClockBoot(
            self.places,
            ask=self._ask,
            now=lambda: self.now + self.seconds,
            set_clock=self._set,
            monotonic=lambda: self.seconds,
            sleep=self._sleep,
            say=self.said.append,
        ).run(wait_seconds)
        return self

    def _ask(self) -> tuple[int, str]:
        if self.seconds < self.answers_after:
            return 1, "the clock is not synchronised (no server answers: ntp)"
        self.now = NOW
        return 0, "synchronised with ntp by chrony"

    def _set(self, seconds: float) -> None:
        if not self.may_set:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self.now = seconds - self.seconds

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def places(node: FakeNode) -> Places:
    """Return a node that was on at NOW."""
    node.places.state.mkdir(parents=True)
    keep(node.places, NOW)
    return node.places


@pytest.mark.parametrize("dead", [0.0, 978_307_200.0, NOW - 3600], ids=["1970", "2001", "an-hour-behind"])
def test_a_dead_clock_starts_where_the_node_was_last(places: Places, dead: float) -> None:
    """Law: so k3s starts at once, and no certificate is from the future. It is said, with both times."""
    start = Start(places, dead).boot(0)
    assert (start.now, start.seconds) == (NOW, 0.0)
    assert start.said[0].endswith("set to that")
    assert time.strftime("%Y-%m-%d", time.gmtime(dead)) in start.said[0]


@pytest.mark.parametrize("now", [NOW, NOW - 30, NOW + 86400, NOW + YEAR])
def test_a_clock_that_can_be_right_is_left_alone(places: Places, now: float) -> None:
    """A battery that lives, a node that lay in its box for a year: nothing is said, nothing waited for."""
    start = Start(places, now).boot(0)
    assert (start.now, start.seconds, start.said) == (now, 0.0, [])


def test_a_clock_far_in_the_future_is_named_and_not_set_back(places: Places) -> None:
    """Law: it may be right, and certificates may have been made since; a person decides."""
    start = Start(places, NOW + 67 * YEAR).boot(0)
    assert start.now == NOW + 67 * YEAR
    assert "more than 2 years after this node was last on" in start.said[0]
    assert "not set back" in start.said[0]


def test_a_wrong_time_once_is_not_remembered_for_ever(places: Places) -> None:
    """Law: a boot in 2093 that nobody corrects leaves the next boot's clock alone. Seeded: it is believed."""
    keep(places, NOW + 67 * YEAR, synchronised=lambda: False)
    assert last_known(places) == NOW
    keep(places, NOW - YEAR, synchronised=lambda: False)
    assert last_known(places) == NOW
    keep(places, NOW - YEAR, synchronised=lambda: True)
    assert last_known(places) == NOW - YEAR, "who keeps the time is believed, also backwards"
    keep(places, NOW + FAR_SECONDS + YEAR, synchronised=lambda: True)
    assert last_known(places) == NOW + FAR_SECONDS + YEAR


def test_a_time_that_cannot_be_is_never_remembered_first(node: FakeNode) -> None:
    """A new node with a dead clock: its first known time is a sane one."""
    node.places.state.mkdir(parents=True)
    keep(node.places, 0.0, synchronised=lambda: False)
    assert last_known(node.places) is None
    keep(node.places, NOW, synchronised=lambda: False)
    assert last_known(node.places) == NOW


def test_a_disk_that_takes_nothing_ends_no_run(node: FakeNode) -> None:
    """What cannot be kept is not."""
    keep(node.places, NOW)
    assert last_known(node.places) is None


@pytest.mark.parametrize(
    ("answers", "declared", "waited"),
    [(NEVER, 20.0, 20.0), (3.0, 20.0, 3.0), (0.0, 20.0, 0.0), (NEVER, 0.0, 0.0), (3.0, 0.0, 0.0)],
)
def test_an_answer_is_waited_for_as_long_as_declared(
    places: Places, answers: float, declared: float, waited: float
) -> None:
    """Law: k3s starts then, synchronised or not; where nothing is declared, at once."""
    start = Start(places, NOW, answers_after=answers).boot(declared)
    assert start.seconds == waited
    assert ("k3s starts with" in "".join(start.said)) == (answers > declared > 0)


def test_who_may_not_set_the_clock_says_so_and_waits(places: Places) -> None:
    """Law: as in a container; a clock that cannot be right is waited for, within bounds, whatever is declared."""
    start = Start(places, 0.0, may_set=False).boot(0)
    assert "it cannot be set: Operation not permitted" in start.said[0]
    assert start.seconds == INSANE_SECONDS
    start = Start(places, 0.0, may_set=False, answers_after=4.0).boot(0)
    assert (start.seconds, start.now) == (4.0, NOW)


def test_a_first_boot_knows_nothing_and_ends(node: FakeNode) -> None:
    """Nothing to lift to; 30 s at most."""
    assert Start(node.places, 0.0).boot(0).seconds == INSANE_SECONDS
    assert Start(node.places, NOW).boot(0).seconds == 0.0


def slot(node: FakeNode, payload: Any) -> None:
    """Accept a payload of whatever form."""
    digest = "sha256:" + "1" * 64
    node.write(node.places.blob(digest), payload if isinstance(payload, str) else json.dumps(payload))
    sender = Sender("me", "here")
    Slots(node.places).accept(Envelope("store", "node-1", digest, "sha256:" + "2" * 64, "", 1, "", sender))


@pytest.mark.parametrize(
    ("own", "declared"),
    [
        ({"host": {"os": {"time": {"servers": ["ntp"], "wait_seconds": 20}}}}, (("ntp",), 20.0)),
        ({"host": {"os": {"time": None}}}, ((), 0.0)),
        ({"host": {}}, ((), 0.0)),
        ({"host": {"os": {"time": {"servers": 7}}}}, ((), 0.0)),
        ({}, ((), 0.0)),
    ],
)
def test_what_is_declared_whatever_the_rest_of_the_payload_is(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, own: Any, declared: Any
) -> None:
    """A payload of a newer or older form holds no boot up."""
    slot(node, {"format": 99, "nodes": [{"name": "node-1", **own}]})
    asked: list[Any] = []

    def ask(servers: tuple[str, ...]) -> tuple[int, str]:
        asked.append(servers)
        return 0, "synchronised"

    monkeypatch.setattr(clock, "_ask", ask)
    clock_boot(node.places)
    assert clock._declared(part(node.places)) == declared
    assert asked == ([declared[0]] if declared[1] else [])


@pytest.mark.parametrize("payload", ["{", "[]", "{}", '{"nodes": [{"name": "node-2"}]}'])
def test_a_payload_that_cannot_be_read_is_said(
    node: FakeNode, payload: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And ends well."""
    slot(node, payload)
    assert part(node.places) == {}
    assert "cannot be read" in capsys.readouterr().out
