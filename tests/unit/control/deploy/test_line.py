"""One line into a store: one limit for all its nodes, told when it holds, re-judged while bytes go."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgectl.control.deploy.caps import Caps
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.transfer import Progress
from edgectl.control.inventory.store import LimitSettings, NetworkSettings
from edgectl.wire.frame import Frames
from edgectl.wire.hours import hours
from tests.unit.control.deploy.silent import Silent

BLOB = random.Random(1).randbytes(3_000_000)  # noqa: S311 - it cannot be packed, that is all
TEXT = b"".join(b"%015d\n" % (number * number) for number in range(187_500))  # that packs to less than half
WANTED = [{"digest": "sha256:a", "size": len(BLOB), "have_bytes": 0}]


@dataclass
class Shop:
    """A line on an injected clock: bytes take their time, and some wait in the sender's queue."""

    now: float = 0.0
    rate: float = 1_000_000.0
    swallows: int = 0
    queue: float = 0.0
    log: list[tuple[float, int]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass; what waits goes on its way."""
        self.now += seconds
        self.queue = max(self.queue - seconds * self.rate, 0.0)

    def write(self, data: bytes) -> None:
        """Take bytes, waiting while the queue is full."""
        self.queue += len(data)
        self.log.append((self.now, len(data)))
        self.sleep(max(self.queue - self.swallows, 0) / self.rate)

    def session(self) -> Any:
        """Return a session over it."""
        shop = self

        class Session:
            """As the real one."""

            frames = Frames(lambda _: b"", shop.write)

            @property
            def queued_bytes(self) -> int:
                """What has not arrived."""
                return int(shop.queue)

            def is_alive(self) -> bool:
                """Say that it stands."""
                return True

        return Session()

    def between(self, begins: float, ends: float) -> int:
        """Return the bytes that were written in between."""
        return sum(size for at, size in self.log if begins <= at < ends)


@dataclass
class Heard(Silent):
    """What is told."""

    limits: list[float | None] = field(default_factory=list)
    shown: list[Progress] = field(default_factory=list)

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Remember."""
        del caps
        self.limits.append(limit)

    def sending(self, look: Callable[[], Progress]) -> None:
        """Remember; it never goes back."""
        self.shown.append(look())
        assert self.shown[-1].sent_bytes >= self.shown[max(len(self.shown) - 2, 0)].sent_bytes


def line(shop: Shop, caps: Caps) -> Line:
    return Line(caps, clock=lambda: shop.now, sleep=shop.sleep)


def test_a_cap_that_begins_in_the_middle_holds_within_seconds() -> None:
    """Law: at eight the shop opens, and the deploy that runs gives way; both are told, once.

    Seeded fault: the limit asked once, at the beginning.
    """
    shop, heard, gone = Shop(swallows=100_000), Heard(), list[int]()
    opens = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    caps = Caps(
        NetworkSettings(None, (LimitSettings(62_500.0, hours((), "08:00", "20:00", "UTC")),)),
        clock=lambda: opens + timedelta(seconds=shop.now - 1),
    )
    line(shop, caps).send(
        "node-1", shop.session(), WANTED, {"sha256:a": BLOB}, heard, lambda content, _: gone.append(content)
    )
    assert sum(gone) == len(BLOB)
    assert shop.between(0, 1) >= 900_000
    assert 560_000 <= shop.between(3, 13) <= 640_000
    assert heard.limits == [62_500.0]
    assert heard.shown[-1].is_done


def test_a_cap_that_ends_lets_go() -> None:
    """None is told, and the line is full again."""
    shop, heard = Shop(), Heard()
    closes = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    caps = Caps(
        NetworkSettings(None, (LimitSettings(62_500.0, hours((), "08:00", "20:00", "UTC")),)),
        clock=lambda: closes + timedelta(seconds=shop.now - 2),
    )
    line(shop, caps).send("node-1", shop.session(), WANTED, {"sha256:a": BLOB}, heard, lambda *_: None)
    assert heard.limits == [62_500.0, None]
    assert shop.now <= 2 + 1 + len(BLOB) / 1_000_000


def test_all_nodes_of_a_store_share_the_limit() -> None:
    """Law: 10 MB/s for the store, not for each node: two at once take as long as one after the other.

    Seeded fault: a pace for each node.
    """
    shared, heard = Line(Caps(asked=10_000_000)), Heard()

    def send(node: str) -> None:
        session = cast(
            "Any", SimpleNamespace(frames=Frames(lambda _: b"", lambda _: None), queued_bytes=0, is_alive=lambda: True)
        )
        shared.send(node, session, WANTED, {"sha256:a": BLOB}, Silent(), lambda *_: None)

    threads = [Thread(target=send, args=(node,)) for node in ("node-2", "node-3")]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert time.monotonic() - began >= 2 * len(BLOB) / 10_000_000 - 0.05
    shared.send("node-1", Shop().session(), WANTED, {"sha256:a": BLOB}, heard, lambda *_: None)
    assert heard.limits == [], "it was told already, for the store"


def test_it_waits_until_all_has_arrived_and_says_so_meanwhile() -> None:
    """Law: two megabytes in the system's queue are minutes on a thin line: they are not called sent."""
    shop, heard = Shop(rate=62_500, swallows=2_000_000), Heard()
    line(shop, Caps()).send("node-1", shop.session(), WANTED, {"sha256:a": BLOB}, heard, lambda *_: None)
    assert 47 <= shop.now <= 49
    assert heard.shown[-1].is_done
    halfway = [one for one in heard.shown if 1_400_000 <= one.sent_bytes <= 2_000_000]
    assert halfway
    assert all(one.rate is not None and 60_000 <= one.rate <= 65_000 for one in halfway)


def test_a_queue_that_never_empties_ends_the_wait() -> None:
    """Every wait has a deadline: what the node says then decides."""
    shop = Shop()
    stuck = SimpleNamespace(frames=shop.session().frames, queued_bytes=1, is_alive=lambda: True)
    one = line(shop, Caps())
    one.send("node-1", cast("Any", stuck), WANTED, {"sha256:a": BLOB}, Heard(), lambda *_: None)
    assert 600 <= shop.now <= 610


@pytest.mark.parametrize("again", [0, 1_000])
def test_a_node_that_comes_back_is_gone_on_with(again: int) -> None:
    """After a lost link nothing may be missing any more, or a little: it is all sent then, and said once more."""
    shop, heard = Shop(), Heard()
    one = line(shop, Caps())
    one.transfer.begin("node-1", len(BLOB))
    wanted = [{"digest": "sha256:a", "size": len(BLOB), "have_bytes": len(BLOB) - again}] if again else []
    one.send("node-1", shop.session(), wanted, {"sha256:a": BLOB}, heard, lambda *_: None)
    assert (heard.shown[-1].sent_bytes, heard.shown[-1].is_done) == (len(BLOB), True)


def test_a_link_that_is_gone_ends_the_wait_and_nothing_more_has_arrived() -> None:
    """Law: what the system had swallowed when the link died is not called sent."""
    shop, heard = Shop(), Heard()
    gone = SimpleNamespace(frames=shop.session().frames, queued_bytes=900_000, is_alive=lambda: False)
    line(shop, Caps()).send("node-1", cast("Any", gone), WANTED, {"sha256:a": BLOB}, heard, lambda *_: None)
    assert heard.shown[-1].sent_bytes == len(BLOB) - 900_000
    assert shop.now <= 4, "nobody waits for it"


def test_a_limit_is_of_what_travels_and_progress_of_what_it_stands_for() -> None:
    """Law: 125 KB/s on the line; what packs to less than half is there in less than half of its time, and all counted.

    Seeded fault: the pace asked for the bytes of content.
    """
    shop, heard, counted = Shop(), Heard(), [0, 0]

    def count(content: int, wire: int) -> None:
        counted[0] += content
        counted[1] += wire

    wanted = [{"digest": "sha256:t", "size": len(TEXT), "have_bytes": 0}]
    line(shop, Caps(asked=125_000.0)).send("node-1", shop.session(), wanted, {"sha256:t": TEXT}, heard, count)
    assert counted[0] == len(TEXT)
    assert counted[1] < len(TEXT) / 2
    assert shop.now == pytest.approx(counted[1] / 125_000, rel=0.05)
    assert max(size for _, size in shop.log) <= 8 * 1024, "small pieces under a limit"
    assert heard.shown[-1].is_done
    assert (heard.shown[-1].total_bytes, heard.shown[-1].wire_bytes) == (len(TEXT), counted[1])
    assert max(one.rate or 0 for one in heard.shown) <= 130_000, "but for one write more in the first two seconds"


def test_a_cap_that_begins_within_a_piece_holds_for_the_rest_of_it() -> None:
    """Law: a piece of 16 MiB that goes as it is does not go through a cap that begins meanwhile.

    Seeded fault: the length of writes asked once a piece.
    """
    shop, noise = Shop(), random.Random(2).randbytes(1 << 20)  # noqa: S311 - it cannot be packed, that is all
    blob = noise * 8
    opens = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    caps = Caps(
        NetworkSettings(None, (LimitSettings(62_500.0, hours((), "08:00", "20:00", "UTC")),)),
        clock=lambda: opens + timedelta(seconds=shop.now - 6),
    )
    wanted = [{"digest": "sha256:n", "size": len(blob), "have_bytes": 0}]
    line(shop, caps).send("node-1", shop.session(), wanted, {"sha256:n": blob}, Heard(), lambda *_: None)
    assert max(size for at, size in shop.log if at > 6) <= 8 * 1024
