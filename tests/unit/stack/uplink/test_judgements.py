"""What the uplink concludes, without a socket: windows, room, refusals, sentences."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from edgectl.stack.ops.board import Board
from edgectl.stack.uplink.batch import pack
from edgectl.stack.uplink.certificate import validity
from edgectl.stack.uplink.config import Config, SinkAt, StoreAt, check
from edgectl.stack.uplink.dial import ANSWER, DNS, REQUEST, TCP, Broken
from edgectl.stack.uplink.egress import Fault, judge, refusal, skewed
from edgectl.stack.uplink.hours import Hours, Window
from edgectl.stack.uplink.line import LINK, Line
from edgectl.stack.uplink.outlook import Intake, room_seconds, sentence
from edgectl.stack.uplink.parcel import read
from edgectl.stack.uplink.sender import Answered, Later
from edgectl.stack.uplink.split import SUSPECTS, sort
from edgectl.stack.uplink.store import Depth, Row
from edgectl.stack.uplink.target import Target
from edgectl.wire.chain import NETWORK
from tests.unit.stack.uplink.clocks import SteppedClock

SINK = Target.of("https://sink.example/events")
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC).timestamp()


def test_windows_are_of_the_store_s_own_day() -> None:
    """Over midnight, in summer time; none means always."""
    night = Hours([Window("22:00", "05:00")], "Europe/Berlin")
    berlin = {hour: NOON + (hour - 14) * 3600 for hour in range(24)}  # noon in UTC is 14:00 there
    assert [hour for hour, at in berlin.items() if night.open(at)] == [0, 1, 2, 3, 4, 22, 23]
    assert night.opens(NOON) == "22:00"
    assert night.opens(berlin[23]) == ""
    two = Hours([Window("06:00", "07:00"), Window("13:30", "13:45")], "UTC")
    assert two.opens(NOON) == "13:30"
    assert not two.open(NOON + 5400 + 900)
    assert Hours([], "UTC").open(NOON)
    assert Hours([Window("08:00", "08:00")], "UTC").open(NOON)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (Config(sink=SinkAt("ftp://x/")), "http"),
        (Config(sink=SinkAt("http://u:p@x/")), "token_file"),
        (Config(sink=SinkAt("http://x:99999/")), "port"),
        (Config(sink=SinkAt("http://x/a b")), "path"),
        (Config(sink=SinkAt(windows=(Window("22", "5"),))), "HH:MM"),
        (Config(sink=SinkAt(timezone="Mars/North")), "time zone"),
        (Config(sink=SinkAt(batch_events=0)), "batch_events"),
        (Config(store=StoreAt(budget_bytes=10)), "budget_bytes"),
        (Config(store=StoreAt(drop="all")), "drop"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: Config, text: str) -> None:
    """At the start, by the name of the key."""
    with pytest.raises(ValueError, match=text):
        check(config)


def test_room_is_said_at_the_rate_of_the_last_hour() -> None:
    """Events or bytes, whichever ends first; nothing comes: any time."""
    clock = SteppedClock()
    intake, limits = Intake(clock), StoreAt(budget_bytes=100_000_000, budget_events=100_000)
    assert (
        sentence(Depth(), room_seconds(Depth(), limits, intake.rate()), opens="") == "0 events wait, room for any time"
    )
    for _ in range(180):
        clock.at += 60
        intake.add(60, 60 * 500, lost=1)
    assert round(intake.rate().events, 2) == 1.0
    assert intake.lost() == 60
    depth = Depth(1204, 2_000_000)
    assert sentence(depth, room_seconds(depth, limits, intake.rate()), opens="") == "1,204 events wait, room for 27 h"
    many = Depth(1, 99_000_000)
    assert (
        sentence(many, room_seconds(many, limits, intake.rate()), opens="22:00")
        == "1 event waits until 22:00, room for 33 min"
    )
    clock.at += 3600
    assert intake.rate().events == 0


@pytest.mark.parametrize(
    ("stage", "cause", "sentence"),
    [
        (DNS, socket.gaierror(socket.EAI_NONAME, "x"), "sink.example: its name is not known (DNS)"),
        (DNS, socket.gaierror(socket.EAI_AGAIN, "x"), "sink.example: its name is not resolved (DNS does not answer)"),
        (DNS, TimeoutError(), "sink.example: its name is not resolved (DNS does not answer)"),
        (TCP, TimeoutError(), "sink.example: port 443 does not answer"),
        (TCP, ConnectionRefusedError(), "sink.example: port 443 refuses connections"),
        (TCP, OSError(113, "No route to host"), "sink.example: port 443 is not reached (No route to host)"),
        (REQUEST, TimeoutError(), "sink.example: takes no more of a batch"),
        (REQUEST, BrokenPipeError(), "sink.example: the connection broke off in the middle of a batch"),
        (ANSWER, TimeoutError(), "sink.example: takes the events, but does not answer in time"),
        (ANSWER, ConnectionResetError(), "sink.example: the connection broke off in the middle of its answer"),
    ],
)
def test_the_broken_stage_is_named(stage: str, cause: OSError, sentence: str) -> None:
    """One sentence each; a network that fails may heal by itself."""
    assert judge(Broken(stage, cause), SINK, now=NOON) == Fault(stage, NETWORK, sentence)


def test_statuses() -> None:
    """What passes by itself is the network's; what people have set is not."""
    kinds = {status: refusal(status, SINK).kind for status in (302, 401, 403, 404, 408, 429, 500, 503, 599)}
    config = {302, 401, 403, 404}
    assert kinds == {status: "config" if status in config else "network" for status in kinds}
    assert refusal(503, SINK).sentence == "sink.example: answers HTTP 503 (Service Unavailable)"


def test_clocks_apart() -> None:
    """Five minutes are nobody's fault; a date that is none says nothing."""
    date = "Wed, 01 Jul 2026 12:00:00 GMT"
    assert skewed(date, SINK, now=NOON + 299) is None
    assert skewed("yesterday", SINK, now=NOON) is None
    wrong = skewed(date, SINK, now=NOON - 40 * 86400)
    assert wrong is not None
    assert (wrong.kind, wrong.sentence) == ("clock", "this store's clock is 40 days behind that of sink.example")


def test_what_is_no_certificate_has_no_dates() -> None:
    """Any cut of any bytes is None, never an exception."""
    for data in (b"", b"\x30", b"\x30\x82", b"\x30\x03\x30\x01\xa0", bytes(range(256)), b"\x30\x80" * 50):
        assert validity(data) is None


def test_line_believes_what_lasts() -> None:
    """One failure of the network is no state until ten seconds have passed; `since` is its moment."""
    clock = SteppedClock()
    board = Board("uplink", "1", clock)
    line = Line(board, clock, "sink.example")
    line.well()
    first = clock.at = clock.at + 5
    line.failed(Fault(TCP, NETWORK, "no"))
    clock.at += 9
    line.tick()
    assert (board.state(LINK).word, line.down) == ("ready", False)
    clock.at += 1
    line.tick()
    assert (board.state(LINK).word, board.state(LINK).since, line.down) == ("not ready", first, True)
    line.well()
    assert (board.state(LINK).word, line.down) == ("ready", False)


def test_line_calls_who_waits_for_the_sink() -> None:
    """Once, when something is taken after a failure."""
    clock = SteppedClock()
    line = Line(Board("uplink", "1", clock), clock, "sink.example")
    called: list[int] = []
    line.on_back(lambda: called.append(1))
    line.well()
    line.failed(Fault(TCP, NETWORK, "no"))
    assert called == []
    line.well()
    line.well()
    assert called == [1]


def test_line_tells_what_is_slow() -> None:
    """By small requests: a large one that takes long tells of the way there. One of any size that is fast ends it."""
    clock = SteppedClock()
    board = Board("uplink", "1", clock)
    line = Line(board, clock, "sink.example")
    line.well(took_seconds=9.0)
    assert board.state(LINK).word == "ready"
    line.well(took_seconds=3.0, small=True)
    state = board.state(LINK)
    assert (state.word, state.reason) == ("degraded", "sink.example: takes one event in 3.0 s: slow")
    line.well(took_seconds=9.0)
    line.looked()
    assert (board.state(LINK), line.down) == (state, False)
    line.well(took_seconds=0.2)
    assert board.state(LINK).word == "ready"


def rows(count: int) -> list[Row]:
    return [Row(number, 0.0, b'{"id": "%d"}' % number) for number in range(count)]


@pytest.mark.parametrize("bad", [{0}, {99}, {7, 8, 9}, {0, 50, 99}, set(range(40, 60))])
def test_bad_events_are_found_by_halves(bad: set[int]) -> None:
    """All others are taken, once each, in few requests."""
    sent: list[Sequence[Row]] = []

    def send(part: Sequence[Row]) -> Answered | Later:
        sent.append(part)
        return Answered(not bad & {row.seq for row in part}, "HTTP 422")

    found = sort(rows(100), send)
    assert sorted(row.seq for row in found.taken) == sorted(set(range(100)) - bad)
    assert {row.seq for row, _ in found.refused} == bad
    assert len(sent) <= 2 * len(bad) * 8


def test_a_sink_that_refuses_all_is_not_asked_about_each() -> None:
    """After a few it is hardly the events."""
    count = 0

    def send(_: Sequence[Row]) -> Answered | Later:
        nonlocal count
        count += 1
        return Answered(taken=False, why="HTTP 400")

    found = sort(rows(500), send)
    assert (len(found.refused), found.taken) == (SUSPECTS, [])
    assert count < 60


def test_what_broke_off_in_the_middle_of_a_search_waits_on() -> None:
    """What was taken is noted, what was not tried is in neither list."""
    answers: list[Answered | Later] = [Answered(taken=False), Answered(taken=True), Later(Fault(TCP, NETWORK, "no"))]
    found = sort(rows(100), lambda _: answers.pop(0))
    assert [row.seq for row in found.taken] == list(range(50))
    assert found.refused == []
    assert found.later is not None


def test_an_event_is_one_line_and_its_batch_is_named_by_its_content() -> None:
    """Line breaks between the parts of a JSON document are no part of it."""
    parcel = read(b'{\n"id": "a",\r\n"source": "c", "kind": "canary", "hops": {"camera": 3}, "more": "\\n"}')
    assert (parcel.id, parcel.canary, parcel.seen) == ("a", True, 3.0)
    assert b"\n" not in parcel.body
    assert pack([b"{}", b"[]"])[1] == pack([b"{}", b"[]"])[1] != pack([b"{}"])[1]


def test_openssl_s_codes_are_as_judged() -> None:
    """A refusal with a code that nobody knows is still said in OpenSSL's own words."""
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = 79, "invalid CA certificate"
    fault = judge(Broken("tls", error), SINK, now=NOON)
    assert fault.sentence == "sink.example: its TLS certificate is not accepted: invalid CA certificate"
