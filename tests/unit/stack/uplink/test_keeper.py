"""First the disk, then the bus's acknowledgement, then the receipt; and nothing of it when the disk takes nothing."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from edgectl.stack.ops.board import Board
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.disk import Disk
from edgectl.stack.uplink.figures import Figures
from edgectl.stack.uplink.keeper import HELD, Keeper
from edgectl.stack.uplink.outlook import Intake
from edgectl.stack.uplink.parcel import Parcel
from edgectl.stack.uplink.store import Kept, Store
from tests.unit.stack.uplink.clocks import SteppedClock


class Watched:
    """A store in memory, and the order of all that happens."""

    moved = None

    def __init__(self) -> None:
        self.order: list[str] = []
        self.full = False
        self.refused: frozenset[int] = frozenset()
        self.tried = threading.Event()

    def keep(self, items: Sequence[tuple[str, bytes]]) -> Kept:
        """As Store, in memory."""
        self.tried.set()
        if self.full:
            raise StoreFailed("the disk is full")
        self.order.append(f"disk {','.join(name for name, _ in items)}")
        return Kept(len(items) - len(self.refused), 0, 0, self.refused)

    def publish(self, topic: str, data: bytes) -> bool:
        """As Bus."""
        self.order.append(f"{topic} {','.join(json.loads(data)['ids'])}")
        return True


def keeper(watched: Watched, canaries: list[Parcel] | None = None) -> tuple[Keeper, Board]:
    clock = SteppedClock()
    board, store = Board("uplink", "1", clock), cast("Store", watched)
    made = Keeper(
        store,
        Disk(board, store, clock, "/data/u.db"),
        Figures(),
        Intake(clock),
        publish=watched.publish,
        canary=(canaries if canaries is not None else []).append,
        kept=lambda: None,
    )
    return made, board


def message(name: str, *, kind: str = "detections", source: str = "cam-1") -> bytes:
    return json.dumps({"id": name, "source": source, "kind": kind}).encode()


def acknowledge(watched: Watched, name: str) -> Callable[[], None]:
    return lambda: watched.order.append(f"ack {name}")


def until(good: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not good():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def test_no_word_before_the_disk() -> None:
    """Disk, acknowledgement, receipt: in this order, all of a group together, a receipt for each source."""
    watched = Watched()
    made, board = keeper(watched)
    for name, source in (("a", "cam-1"), ("b", "cam-2"), ("c", "cam-1")):
        made.take("vision/events/x", message(name, source=source), acknowledge(watched, name))
    made.start()
    made.stop()
    assert watched.order == [
        "disk a,b,c",
        "ack a",
        "ack b",
        "ack c",
        "vision/receipts/cam-1 a,c",
        "vision/receipts/cam-2 b",
    ]
    assert board.state("disk").word == "ready"


def test_what_is_refused_gets_no_receipt() -> None:
    """It is acknowledged, so that others come through; the camera keeps it."""
    watched = Watched()
    watched.refused = frozenset({1})
    made, _ = keeper(watched)
    for name in ("a", "b"):
        made.take("vision/events/x", message(name), acknowledge(watched, name))
    made.start()
    made.stop()
    assert watched.order == ["disk a,b", "ack a", "ack b", "vision/receipts/cam-1 a"]


def test_a_surprise_ends_no_keeping() -> None:
    """What nobody has foreseen: that group gets no receipt and blocks no window of the bus; the next one is kept."""
    watched = Watched()
    keep = watched.keep

    def surprised(items: Sequence[tuple[str, bytes]]) -> Kept:
        if items[0][0] == "a":
            raise KeyError("nobody has foreseen this")
        return keep(items)

    watched.keep = surprised  # type: ignore[method-assign]
    made, _ = keeper(watched)
    made.take("vision/events/x", message("a"), acknowledge(watched, "a"))
    made.start()
    until(lambda: watched.order == ["ack a"], "it was given back")
    made.take("vision/events/x", message("b"), acknowledge(watched, "b"))
    made.stop()
    assert watched.order == ["ack a", "disk b", "ack b", "vision/receipts/cam-1 b"]


def test_a_full_disk_lets_nothing_be_believed_and_canaries_pass() -> None:
    """While it lasts: no receipt, few messages held back, canaries through; then what was held is kept, by itself."""
    watched = Watched()
    canaries: list[Parcel] = []
    acks: list[int] = []
    watched.full = True
    made, board = keeper(watched, canaries)
    for number in range(HELD + 5):
        made.take("vision/events/x", message(f"e{number}"), functools.partial(acks.append, number))
    made.start()
    until(lambda: board.state("disk").word == "degraded", "nothing is said")
    until(lambda: len(acks) == 5, "all are held")
    made.take("vision/events/x", message("later"), lambda: acks.append(99))
    made.take("vision/events/x", message("c", kind="canary"), lambda: acks.append(100))
    assert [parcel.id for parcel in canaries] == ["c"]
    assert watched.order == []
    assert acks == [*range(HELD, HELD + 5), 99, 100]
    watched.full = False
    until(lambda: len(watched.order) == 2, "what was held is lost")
    assert watched.order[1] == f"vision/receipts/cam-1 {','.join(f'e{number}' for number in range(HELD))}"
    assert board.state("disk").word == "ready"
    made.stop()


def test_what_comes_while_a_disk_is_tried_fills_no_window() -> None:
    """Law: all that is neither kept nor acknowledged then is HELD at most, whenever it came; the rest is given back."""
    watched = Watched()
    acks: list[str] = []
    made, board = keeper(watched)
    keep = watched.keep

    def during(items: Sequence[tuple[str, bytes]]) -> Kept:
        if not watched.tried.is_set():
            for number in range(20):
                made.take("vision/events/x", message(f"m{number}"), functools.partial(acks.append, f"m{number}"))
        return keep(items)

    watched.keep, watched.full = during, True  # type: ignore[method-assign]
    made.take("vision/events/x", message("first"), functools.partial(acks.append, "first"))
    made.start()
    until(lambda: len(acks) == 21 - HELD, "too much is held")
    assert acks == [f"m{number}" for number in range(HELD - 1, 20)]
    watched.full = False
    until(lambda: board.state("disk").word == "ready", "it is not tried again")
    made.stop()
    assert len(acks) == 21


def test_what_is_no_event_does_not_come_again_for_ever() -> None:
    """It is acknowledged, counted, and goes nowhere."""
    watched = Watched()
    acks: list[int] = []
    made, _ = keeper(watched)
    for data in (
        b"",
        b"{",
        b"[]",
        b'{"id": "a"}',
        b'{"id": "a", "source": "+"}',
        b'{"id": 1, "source": "c"}',
        b"9" * 300_000,
    ):
        made.take("vision/events/x", data, lambda: acks.append(1))
    made.start()
    made.stop()
    assert len(acks) == 7
    assert watched.order == []
