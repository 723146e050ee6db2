"""The pace: one limit for all who send over a line, which may change while they wait."""

from __future__ import annotations

from edgectl.control.link.pace import Pace


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_several_share_one_limit() -> None:
    """Law: what all senders give together stays under the limit. Seeded fault: a limit for each of them."""
    time = Time()
    pace = Pace(lambda: 1000.0, clock=lambda: time.now, sleep=time.sleep)
    gone = 0
    for sender in range(30):
        before = time.now
        pace.wait(500 if sender % 3 else 250)
        gone += 500 if sender % 3 else 250
        assert time.now >= before
    assert gone / 1000 - 0.5 <= time.now <= gone / 1000


def test_two_who_wait_at_once_go_one_after_the_other() -> None:
    """Threads meet in `wait`: the second's turn begins where the first one's bytes end, not at the same time."""
    waits: list[float] = []
    pace = Pace(lambda: 1000.0, clock=lambda: 0.0, sleep=waits.append)
    for _ in range(4):
        pace.wait(500)
    assert waits == [0.5, 1.0, 1.5]


def test_a_limit_that_changes_holds_from_the_next_piece_on() -> None:
    """Law: a cap that begins in the middle holds within seconds; one that ends lets go, and nothing is caught up."""
    time = Time()
    pace = Pace(
        lambda: None if time.now < 5 else 100_000.0 if time.now < 15 else None,
        clock=lambda: time.now,
        sleep=time.sleep,
    )
    sent: list[tuple[float, int]] = []
    while time.now < 20:
        size = pace.piece_bytes
        pace.wait(size)
        time.now += size / 1_000_000  # what the line itself takes
        sent.append((time.now, size))
    during = sum(size for at, size in sent if 5.2 <= at < 15)
    before = sum(size for at, size in sent if at < 5)
    after = sum(size for at, size in sent if at >= 15.2)
    assert during <= 100_000 * 10
    assert during >= 100_000 * 9
    assert before >= 4_500_000
    assert after >= 4_500_000


def test_the_least_limit_is_no_silence() -> None:
    """Law: the node takes 18 s without a word for a dead sender; under 8 kbit/s each of five senders speaks sooner."""
    time = Time()
    pace = Pace(lambda: 1000.0, clock=lambda: time.now, sleep=time.sleep)
    assert pace.piece_bytes * 5 / 1000 < 10
