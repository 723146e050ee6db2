"""How far a transfer is: arrived bytes, the rate of the last seconds, and the time that is left of it."""

from __future__ import annotations

from edgectl.control.deploy.transfer import Progress, Transfer

MB = 1_000_000


class Wire:
    """A line with an injected clock: what is given to it arrives at its rate."""

    def __init__(self, rate: float) -> None:
        self.now = 1000.0
        self.rate = rate
        self.queue = 0.0
        self.transfer = Transfer(clock=lambda: self.now)

    def pass_on(self, seconds: float, node: str = "node-1", most: int = 2 * MB, left: int = 10**9) -> list[Progress]:
        """Give to the line as much as it swallows, tenth by tenth; return what is shown."""
        shown = []
        for _ in range(round(seconds * 10)):
            given = min(int(most - self.queue), left)
            left -= given
            self.queue += given
            self.transfer.add(node, given, given)
            self.now += 0.1
            self.queue = max(self.queue - self.rate / 10, 0.0)
            shown.append(self.transfer.now())
        return shown


def begun(rate: float = 250_000, missing: int = 31 * MB) -> Wire:
    wire = Wire(rate)
    wire.transfer.begin("node-1", missing, lambda: int(wire.queue))
    return wire


def test_what_the_system_has_swallowed_has_not_arrived() -> None:
    """Law: megabytes that wait in the sender's own queue are not sent: neither in bytes, nor as a rate."""
    wire = begun()
    shown = wire.pass_on(5)
    assert shown[-1].sent_bytes <= 5 * 250_000 + 1
    assert shown[0].rate is None, "a tenth of a second says nothing"
    assert shown[-1].rate is not None
    assert 240_000 <= shown[-1].rate <= 260_000


def test_the_time_left_is_true_and_follows_the_rate() -> None:
    """Law: at a steady rate the estimate and the clock agree; another rate is believed within ten seconds."""
    wire = begun()
    for one in wire.pass_on(60)[30:]:
        assert one.seconds_left is not None
        assert abs(one.seconds_left - (31 * MB - one.sent_bytes) / 250_000) <= 3
    wire.rate = 25_000
    slow = wire.pass_on(11)[-1]
    assert slow.rate is not None
    assert 24_000 <= slow.rate <= 40_000, "the average since the start would be over 200 kB/s"
    wire.rate = 250_000
    fast = wire.pass_on(11)[-1]
    assert fast.rate is not None
    assert fast.rate >= 240_000


def test_a_line_that_stands_still_has_no_time() -> None:
    """Law: no division by nothing, nothing negative: a rate of 0 and no time, until it moves again."""
    wire = begun()
    wire.pass_on(20)
    wire.rate = 0
    shown = wire.pass_on(15)
    assert (shown[-1].rate, shown[-1].seconds_left) == (0, None)
    assert all(one.seconds_left is None or one.seconds_left >= 0 for one in shown)
    wire.rate = 250_000
    assert wire.pass_on(3)[-1].seconds_left is not None


def test_it_never_goes_back_and_what_was_there_counts() -> None:
    """Law: after a lost link the bytes go on from what was shown, though the node has kept a little less."""
    wire = begun()
    before = wire.pass_on(60)[-1]
    kept = before.sent_bytes - 300_000
    wire.now += 40  # nobody answers
    wire.queue = 0
    wire.transfer.begin("node-1", 31 * MB - kept, lambda: int(wire.queue))
    again = wire.transfer.now()
    assert (again.sent_bytes, again.total_bytes) == (before.sent_bytes, 31 * MB)
    assert again.rate is None, "the silence was no transfer, and what was kept did not come now"
    shown = wire.pass_on(5)
    assert [one.sent_bytes for one in shown] == sorted(one.sent_bytes for one in shown)
    assert shown[-1].rate is not None
    assert 240_000 <= shown[-1].rate <= 260_000
    assert wire.transfer.measured == shown[-1].rate


def test_the_end_is_when_all_has_arrived() -> None:
    """Law: done means arrived, not written."""
    wire = begun(missing=3 * MB)
    shown = wire.pass_on(11.9, left=3 * MB)
    assert not shown[-1].is_done
    assert not wire.transfer.has_arrived("node-1")
    last = wire.pass_on(0.3, left=0)[-1]
    assert (last.is_done, last.seconds_left, last.sent_bytes) == (True, 0.0, 3 * MB)
    assert wire.transfer.has_arrived("node-1")


def test_several_nodes_are_one_transfer() -> None:
    """Law: their bytes and their rate together; the next stage of a deploy begins at nothing."""
    wire = begun(missing=2 * MB)
    wire.transfer.begin("node-2", 2 * MB)
    for _ in range(40):
        wire.now += 0.1
        for node in ("node-1", "node-2"):
            wire.transfer.add(node, 10_000, 10_000)
    seen = wire.transfer.now()
    assert (seen.sent_bytes, seen.total_bytes, round(seen.rate or 0, -3)) == (800_000, 4 * MB, 200_000)
    wire.transfer.drop("node-2")
    assert wire.transfer.now().total_bytes == 2_400_000
    wire.transfer.add("node-1", 1_600_000, 1_600_000)
    assert wire.transfer.now().is_done
    wire.transfer.begin("lead", MB)
    assert (wire.transfer.now().sent_bytes, wire.transfer.now().total_bytes) == (0, MB)


def test_limits_that_will_come_are_in_the_time_left() -> None:
    """The estimate asks whoever knows the limits: a cap that begins in an hour is in it already."""
    now = 0.0
    transfer = Transfer(lambda count, rate: count / rate + 7, clock=lambda: now)
    transfer.begin("node-1", 1000)
    for _ in range(5):
        now += 1.0
        transfer.add("node-1", 100, 100)
    assert transfer.now().seconds_left == 500 / 100 + 7


def packed(now: list[float], rate: int, seconds: int, given: list[tuple[int, int]]) -> tuple[Transfer, list[Progress]]:
    """Give writes (content, bytes on the line) to a line that has swallowed them all, and look each second."""
    queue = sum(wire for _, wire in given)
    transfer = Transfer(clock=lambda: now[0])
    transfer.begin("node-1", sum(content for content, _ in given), lambda: queue)
    for content, wire in given:
        transfer.add("node-1", content, wire)
    shown = []
    for _ in range(seconds):
        now[0] += 1.0
        queue = max(queue - rate, 0)
        shown.append(transfer.now())
    return transfer, shown


def test_content_has_arrived_when_the_bytes_that_stand_for_it_have() -> None:
    """Law: what waits in the queue is taken off the content that it stands for, write by write, and in part.

    Seeded fault: all that was written in one proportion: 20 MB in 1 MB and then 1 MB in 1 MB are 50 % and 50 %.
    """
    _, shown = packed([0.0], 500_000, 4, [(20 * MB, MB), (MB, MB)])
    assert [one.sent_bytes for one in shown] == [10 * MB, 20 * MB, 20 * MB + MB // 2, 21 * MB]
    assert [one.wire_bytes for one in shown] == [500_000, MB, MB + 500_000, 2 * MB]


def test_the_rate_is_the_lines_and_the_time_left_is_the_contents() -> None:
    """Law: packed to a third, at 100 KB/s on the line, 30 MB take 100 s: so says the time left, and so does the clock.

    Seeded fault: the content that is left at the line's rate, three times as long.
    """
    _, shown = packed([0.0], 100_000, 100, [(300_000, 100_000)] * 100)
    for second, one in enumerate(shown[3:-1], start=4):
        assert one.rate is not None
        assert 99_000 <= one.rate <= 101_000
        assert one.seconds_left is not None
        assert abs(one.seconds_left - (100 - second)) <= 1
    assert shown[-1].is_done


def test_limits_are_asked_for_the_bytes_on_the_line() -> None:
    """A limit holds for what goes over the line; so the time through limits is that of the packed bytes."""
    now, asked = 0.0, list[tuple[float, float]]()

    def seconds(count: float, rate: float) -> float:
        asked.append((count, rate))
        return 1.0

    transfer = Transfer(seconds, clock=lambda: now)
    transfer.begin("node-1", 8000)
    for _ in range(5):
        now += 1.0
        transfer.add("node-1", 800, 100)
    transfer.now()
    assert asked == [(500, 100)]


def test_what_must_go_once_more_is_more_to_send() -> None:
    """Law: a blob that could not be made of what is there is sent whole; nobody's bytes go back, and none is hidden."""
    wire = begun(missing=MB)
    wire.pass_on(5, left=MB)
    assert wire.transfer.now().is_done
    wire.transfer.begin("node-1", 400_000, lambda: int(wire.queue), again=True)
    again = wire.transfer.now()
    assert (again.sent_bytes, again.total_bytes, again.is_done) == (MB, MB + 400_000, False)
    assert wire.pass_on(5, left=400_000)[-1].is_done
