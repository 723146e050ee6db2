"""The uplink as it runs: a process of its own, a real Mosquitto, a real HTTP sink."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.uplink.config import Config, SinkAt, StoreAt
from tests.stack.broker import Broker
from tests.stack.process import uplink
from tests.stack.producer import Producer
from tests.stack.sinks import ALL_BAD, BUSY, DENIED, ERROR, HALF, HOLE, FaultySink


def configured(broker: Broker, folder: Path, url: str, **sink: object) -> Config:
    """Return a quick one, for tests."""
    at = {"every_seconds": 0.2, "timeout_seconds": 1.5, **sink}
    return Config(
        BusAddress(broker.host, broker.port),
        SinkAt(url, **at),  # type: ignore[arg-type]
        StoreAt(str(folder / "uplink.db"), keep_free_bytes=0),
    )


def reached(sink: FaultySink, made: set[str], *, seconds: float = 30.0) -> None:
    """Wait until the sink has all of them."""
    deadline = time.monotonic() + seconds
    while not made <= sink.ids():
        assert time.monotonic() < deadline, f"{len(made - sink.ids())} of {len(made)} events did not arrive"
        time.sleep(0.05)
    assert sink.ids() == made


def test_events_arrive_once_each_and_the_receipt_comes_before(broker: Broker, tmp_path: Path) -> None:
    """Every event is receipted and at the sink; it ends on SIGTERM with 0 within 5 s; its metrics add up."""
    with FaultySink() as sink:
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(700)
            producer.until("receipts")
            reached(sink, producer.made)
            service.until("sink", "ready")
            service.until("queue", "ready", "0 events wait")
            assert sink.ledger.count().duplicates == 0
            metrics = service.get("/metrics")
            assert "vision_uplink_events_kept_total 700.0" in metrics
            assert "vision_uplink_events_sent_total 700.0" in metrics
            assert "vision_uplink_sink_up 1.0" in metrics
            assert max(len(request.events) for request in sink.requests) <= 500
            assert sink.requests[0].headers["Idempotency-Key"].startswith("sha256:")
            assert service.stop() == 0
        finally:
            producer.close()
            service.kill()


def test_settings_that_cannot_be_meant_are_said_where_the_chain_looks(broker: Broker, tmp_path: Path) -> None:
    """No crash loop, which would say nothing: not ready, kind config, the sentence; it ends on SIGTERM with 0."""
    service = uplink(configured(broker, tmp_path, "ftp://sink.example/"), tmp_path)
    service.start()
    try:
        deadline = time.monotonic() + 20
        while not (said := service.status().get("state", {})).get("kind"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (said["word"], said["kind"]) == ("not ready", "config")
        assert "ftp" in said["reason"]
        assert service.stop() == 0
    finally:
        service.kill()


def test_a_canary_that_gets_through_ends_the_wait_for_the_sink(broker: Broker, tmp_path: Path) -> None:
    """After failures the next try is seconds away (a minute at last); what waits goes at once when the sink is back."""
    with FaultySink() as sink:
        sink.fault = ERROR
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(5)
            deadline = time.monotonic() + 20
            while len(sink.requests) < 4:  # the fifth comes after four seconds at the earliest
                assert time.monotonic() < deadline
                time.sleep(0.02)
            sink.fault = ""
            producer.canary()
            reached(sink, producer.made, seconds=2.5)
        finally:
            producer.close()
            service.kill()


def test_a_canary_overtakes_what_waits_and_is_never_kept(broker: Broker, tmp_path: Path) -> None:
    """Outside of the windows only a canary goes, alone, within 2 s; with the sink down it leaves nothing behind."""
    hour = time.gmtime().tm_hour
    never = [{"start": f"{(hour + 3) % 24:02}:00", "end": f"{(hour + 4) % 24:02}:00"}]
    with FaultySink() as sink:
        base = configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events")
        service = uplink(base, tmp_path)
        text = (tmp_path / "uplink.json").read_text().replace('"windows": []', f'"windows": {never}'.replace("'", '"'))
        (tmp_path / "uplink.json").write_text(text)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(50)
            producer.until("receipts")
            began = time.monotonic()
            name = producer.canary()
            producer.until("arrived", seconds=5)
            assert time.monotonic() - began < 2
            at = producer.arrived[name]
            assert at["bus"] <= at["uplink"] <= at["sink"]
            assert name in producer.receipted
            assert [len(request.events) for request in sink.requests] == [1]
            assert (sink.ledger.count().events, sink.ledger.count().canaries) == (0, 1)
            service.until("queue", "ready", f"50 events wait until {(hour + 3) % 24:02}:00")
            sink.fault = ERROR
            producer.canary()
            service.until("sink", "not ready", "HTTP 500")
            sink.fault = ""
            service.until("sink", "ready")
            service.until_queue(events=50)
        finally:
            producer.close()
            service.kill()


def test_a_bad_event_is_set_aside_and_the_others_arrive(broker: Broker, tmp_path: Path) -> None:
    """What the sink never takes is found by halves; all other events of its batch arrive, once each."""
    with FaultySink() as sink:
        sink.fault = ERROR
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(60)
            producer.until("receipts")
            sink.bad = set(sorted(producer.made)[10:13])
            sink.fault = ""
            reached(sink, producer.made - sink.bad)
            service.until_queue(aside=3)
            assert sink.ledger.count().duplicates == 0
        finally:
            producer.close()
            service.kill()


def test_a_sink_that_refuses_everything_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """Whether it is the token or every event: nothing is set aside, it is said, and it goes on when it is mended."""
    with FaultySink() as sink:
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            sink.fault = DENIED
            producer.make(40)
            producer.until("receipts")
            assert service.until("sink", "not ready", "refuses this store's token")["kind"] == "config"
            service.until("queue", "ready", "40 events wait, room for ")  # that they wait is no fault of the uplink's
            sink.fault = ALL_BAD
            assert service.until("sink", "not ready", "refuses every event")["kind"] == "config"
            sink.fault = ""
            reached(sink, producer.made)
            service.until_queue(aside=0)
            service.until("sink", "ready")
        finally:
            producer.close()
            service.kill()


def test_retry_after_is_kept(broker: Broker, tmp_path: Path) -> None:
    """A sink that asks for 3 s gets them."""
    with FaultySink() as sink:
        sink.fault, sink.wait = BUSY, "3"
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(5)
            producer.until("receipts")
            deadline = time.monotonic() + 20
            while len(sink.requests) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            sink.fault = ""
            assert 3.0 <= sink.requests[1].at - sink.requests[0].at < 6.0
            reached(sink, producer.made)
        finally:
            producer.close()
            service.kill()


@pytest.mark.parametrize("off", [-3600.0, 86400.0 * 40])
def test_a_clock_that_is_wrong_is_said_and_events_go_on(broker: Broker, tmp_path: Path, off: float) -> None:
    """The sink's Date and this store's clock are apart: kind clock, in one sentence; events arrive all the same."""
    with FaultySink(clock=SystemClock(wall=lambda: time.time() + off)) as sink:
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(5)
            text = "is 60 min ahead of" if off < 0 else "is 40 days behind"
            assert service.until("sink", "degraded", text)["kind"] == "clock"
            reached(sink, producer.made)
        finally:
            producer.close()
            service.kill()


def test_half_an_answer_is_none_and_nothing_comes_twice(broker: Broker, tmp_path: Path) -> None:
    """The sink has taken a batch and nobody heard: it is sent again, known there, and each event counts once."""
    with FaultySink() as sink:
        sink.fault = HALF
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(20)
            producer.until("receipts")
            service.until("sink", "not ready", "in the middle of its answer")
            sink.fault = ""
            service.until_counted("vision_uplink_events_sent_total", 20)
            assert sink.ids() == producer.made
            assert sink.ledger.count().duplicates >= 20
        finally:
            producer.close()
            service.kill()


def test_it_ends_in_time_whatever_it_waits_for(broker: Broker, tmp_path: Path) -> None:
    """SIGTERM with a sink that says nothing and a bus that is gone: 0 within 5 s, and all of it arrives later."""
    with FaultySink() as sink:
        service = uplink(
            configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events", timeout_seconds=30.0), tmp_path
        )
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            sink.fault = HOLE
            producer.make(10)
            producer.until("receipts")
            broker.stop()
            assert service.stop() == 0
            sink.fault = ""
            broker.start()
            service.start()
            reached(sink, producer.made)
        finally:
            producer.close()
            service.kill()
