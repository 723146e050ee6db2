"""Disks that are damaged, away, or too full: said, degraded, never dead, and well again by themselves."""

from __future__ import annotations

from pathlib import Path

from edgectl.stack.uplink.config import Config, StoreAt
from edgectl.stack.uplink.keeper import HELD
from tests.stack.broker import Broker
from tests.stack.process import uplink
from tests.stack.producer import Producer
from tests.stack.sinks import FaultySink
from tests.stack.test_uplink import configured, reached


def test_a_damaged_file_is_moved_aside_and_said(broker: Broker, tmp_path: Path) -> None:
    """It begins anew with an empty one, takes and sends, and says for an hour where the damaged one lies."""
    (tmp_path / "uplink.db").write_bytes(b"\0garbage" * 5000)
    with FaultySink() as sink:
        service = uplink(configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events"), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(20)
            producer.until("receipts")
            reached(sink, producer.made)
            state = service.until("disk", "degraded", "lies beside it as uplink.db.corrupt-1")
            assert state["kind"] == "resource"
            assert service.status()["state"]["word"] == "degraded"
        finally:
            producer.close()
            service.kill()


def test_a_disk_that_comes_late_is_used_when_it_is_there(broker: Broker, tmp_path: Path) -> None:
    """Without it no event gets a receipt, a canary passes all the same; then all events arrive."""
    folder = tmp_path / "data"
    with FaultySink() as sink:
        base = configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events")
        config = Config(base.bus, base.sink, StoreAt(str(folder / "uplink.db"), keep_free_bytes=0))
        service = uplink(config, tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(60)
            # The disk is missed before the bus is there: what is sent before it listens is for nobody.
            service.until_counted("vision_uplink_events_refused_total", 60 - HELD)
            assert service.until("disk", "degraded", "is its disk there")["kind"] == "resource"
            producer.canary()
            producer.until("arrived", seconds=10)
            assert not producer.made & producer.receipted
            folder.mkdir()
            producer.until("receipts")
            reached(sink, producer.made)
            service.until("disk", "ready")
        finally:
            producer.close()
            service.kill()


def test_what_is_kept_free_is_said(broker: Broker, tmp_path: Path) -> None:
    """A disk with less than that: nothing more is receipted, and the sentence says how much is left."""
    with FaultySink() as sink:
        base = configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events")
        service = uplink(Config(base.bus, base.sink, StoreAt(base.store.path, keep_free_bytes=2**62)), tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(5)
            service.until("disk", "degraded", "MiB are free on the disk of")
            assert not producer.receipted
        finally:
            producer.close()
            service.kill()


def test_over_budget_the_oldest_go_and_it_is_said(broker: Broker, tmp_path: Path) -> None:
    """Counted, said with how many; what is left arrives."""
    with FaultySink() as sink:
        sink.fault = "error"
        base = configured(broker, tmp_path, f"http://127.0.0.1:{sink.port}/events")
        config = Config(base.bus, base.sink, StoreAt(base.store.path, keep_free_bytes=0, budget_events=100))
        service = uplink(config, tmp_path)
        service.start()
        producer = Producer(broker.host, broker.port, "cam-1")
        try:
            producer.make(130)
            producer.until("receipts")
            state = service.until("queue", "degraded", "30 events had no room in the last hour; 100 events wait")
            assert state["kind"] == "resource"
            assert "vision_uplink_events_dropped_total 30.0" in service.get("/metrics")
            sink.fault = ""
            service.until_queue(seconds=40)
            assert len(sink.ids()) == 100
        finally:
            producer.close()
            service.kill()
