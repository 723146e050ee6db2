"""Laws of the outbox: nothing leaves it without a receipt but the oldest of a full one, and that is counted."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.stack.camera.outbox import PROBES, Outbox
from edgectl.stack.camera.post import Poster, receipts
from tests.stack.clocks import HandClock


class FakeBus:
    """Takes messages while it is there and has room."""

    def __init__(self) -> None:
        self.connected, self.room = True, 10_000
        self.taken: list[str] = []

    def publish(self, topic: str, data: bytes) -> bool:
        """Take a message."""
        assert topic
        if self.room <= len(self.taken):
            return False
        self.taken.append(data.decode())
        return True


class Post:
    """An outbox of 100 with its poster; events are their own ids."""

    def __init__(self) -> None:
        self.clock, self.bus = HandClock(), FakeBus()
        self.outbox = Outbox(100, resend_seconds=30, clock=self.clock)
        self.poster = Poster(self.outbox, self.bus, threading.Event())

    def put(self, *names: str) -> None:
        """Put events in."""
        for name in names:
            self.poster.put(name, "t", name.encode())

    def sent(self) -> list[str]:
        """Send what is due; returns it."""
        before = len(self.bus.taken)
        self.poster.post()
        return self.bus.taken[before:]


@pytest.fixture
def post() -> Post:
    return Post()


def test_an_event_is_sent_once_and_kept_until_its_receipt(post: Post) -> None:
    post.put("a", "b")
    assert post.sent() == ["a", "b"]
    assert post.sent() == []
    assert post.outbox.outlook().waiting == 2
    assert post.outbox.receipt(["a", "unknown", "a"]) == 1
    assert post.outbox.outlook().waiting == 1


def test_without_a_receipt_it_is_sent_again_after_30_seconds(post: Post) -> None:
    post.put("a")
    post.sent()
    post.clock.time += 29
    post.put("b")
    assert post.sent() == ["b"]
    post.clock.time += 1
    assert post.sent() == ["a"]
    assert post.outbox.outlook().unanswered_seconds == 30
    post.clock.time += 30
    assert post.sent() == ["b", "a"]


def test_a_new_bus_gets_all_of_it_in_order(post: Post) -> None:
    """What lay in the old one's memory is lost; the outbox is not."""
    post.put("a", "b")
    post.sent()
    post.put("c")
    post.bus.connected = False
    assert post.sent() == []
    post.bus.connected = True
    post.poster.again()
    assert post.sent() == ["a", "b", "c"]


def test_a_bus_that_takes_no_more_loses_nothing(post: Post) -> None:
    post.bus.room = 1
    post.put("a", "b")
    assert post.sent() == ["a"]
    post.bus.room = 10
    assert post.sent() == ["b"]


def test_a_full_outbox_lets_the_oldest_go_and_says_so(post: Post) -> None:
    """The newest events are worth most; each loss is counted, and full ends only when there is room."""
    names = [f"{at:03}" for at in range(103)]
    post.put(*names)
    outlook = post.outbox.outlook()
    assert (outlook.waiting, outlook.lost, outlook.full) == (100, 3, True)
    assert post.sent() == names[3:]
    post.outbox.receipt(names[3:8])
    assert post.outbox.outlook().full
    post.outbox.receipt(names[8:20])
    assert not post.outbox.outlook().full


def test_with_no_uplink_there_the_bus_is_not_filled_again_and_again(post: Post) -> None:
    """Some are sent again to see whether somebody is there; with the first receipt all that are due follow."""
    post.put(*[f"{at:03}" for at in range(100)])
    assert len(post.sent()) == 100
    post.clock.time += 30
    assert len(post.sent()) == PROBES
    post.outbox.receipt(["000"])
    assert len(post.sent()) == 100 - PROBES


def test_a_receipt_may_be_faster_than_the_note_that_it_was_sent(post: Post) -> None:
    """The bus's thread and the poster's: the event does not come back."""
    post.put("a")
    (event,) = post.outbox.due()
    post.outbox.receipt(["a"])
    post.outbox.sent(event)
    assert post.outbox.outlook().waiting == 0


STEPS = st.lists(st.sampled_from(["put", "send", "lose", "later", "again", "receipt"]), max_size=60)


@given(STEPS)
def test_whatever_happens_every_event_is_receipted_waits_or_is_counted(steps: list[str]) -> None:
    """And in the end, with a bus and an uplink there, all that waits arrives."""
    post, made = Post(), 0
    for step in steps:
        if step == "put":
            post.put(*[str(made + at) for at in range(30)])
            made += 30
        elif step == "send":
            post.bus.room = len(post.bus.taken) + 17
            post.sent()
        elif step == "lose":
            post.bus.taken.clear()
        elif step == "later":
            post.clock.time += 31
        elif step == "again":
            post.poster.again()
        else:
            post.outbox.receipt(post.bus.taken[::2])
    outlook = post.outbox.outlook()
    assert outlook.received + outlook.waiting + outlook.lost == made
    post.bus.room = 10**6
    post.poster.again()
    post.sent()
    post.outbox.receipt(post.bus.taken)
    assert post.outbox.outlook().waiting == 0


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff", b'{"ids": 5}', b'{"ids": null}', b"[" * 100_000, b'{"ids": [1, {}, "a"]}']
)
def test_what_is_no_receipt_is_passed_over_and_acknowledged(post: Post, data: bytes) -> None:
    """Unknown ids, too: it must not come back for ever."""
    taken: list[bool] = []
    post.put("b")
    receipts(post.outbox.receipt)("t", data, lambda: taken.append(True))
    assert taken == [True]
    assert post.outbox.outlook().waiting == 1


def test_a_receipt_goes_to_all_who_wait(post: Post) -> None:
    post.put("a")
    seen: list[str] = []
    receipts(post.outbox.receipt, seen.extend)("t", json.dumps({"ids": ["a"]}).encode(), lambda: None)
    assert seen == ["a"]
    assert post.outbox.outlook().received == 1
