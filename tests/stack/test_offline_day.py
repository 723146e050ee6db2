"""A store without a line for a long time, by a clock sixty times as fast: then drained, all of it, once each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.uplink.config import Config, SinkAt, StoreAt
from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.process import uplink
from tests.stack.producer import Producer
from tests.stack.sinks import FaultySink

SPEED = 60.0
HOURS = [pytest.param(1 / 3, id="20 minutes"), pytest.param(24, id="24 hours", marks=pytest.mark.long)]


@pytest.mark.parametrize("hours", HOURS)
def test_offline_then_drained(hours: float, broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One event a second of the store, the uplink killed in the middle: 0 lost, 0 duplicated; state and room said."""
    origin = time.time()
    clock = SystemClock(SPEED, origin)
    port = free_port()
    config = Config(
        BusAddress(broker.host, broker.port),
        SinkAt(f"http://127.0.0.1:{port}/events"),
        StoreAt(str(tmp_path / "uplink.db"), keep_free_bytes=0),
    )
    service = uplink(config, tmp_path, {"EDGECTL_CLOCK": f"{SPEED}@{origin}"})
    service.start()
    service.until("bus", "ready")
    producer = Producer(broker.host, broker.port, "cam-1")
    try:
        began, killed, known = clock.now(), False, 0.0
        while (at := clock.now() - began) < hours * 3600:
            due = int(at) + 1 - len(producer.made)
            if due > 0:
                producer.make(due, at=clock.now())
            if at > hours * 1800 and not killed:
                killed = True
                service.kill()
                service.start()
                known = service.until("sink", "not ready")["since"]  # what was made meanwhile is made up for
            time.sleep(0.1)
        producer.until("receipts")
        count = len(producer.made)
        assert abs(count - hours * 3600) < 60
        service.until_queue(events=count)
        service.until("queue", "ready", f"{count:,} events wait, room for ")
        line = service.until("sink", "not ready", f"port {port} refuses")
        assert line["since"] == known, "all the time since then"
        assert line["kind"] == "network"
        back = time.monotonic()
        with FaultySink(port=port, clock=clock) as sink:
            while len(sink.ids()) < count and time.monotonic() - back < 60 * hours:
                time.sleep(0.05)
            drained = time.monotonic() - back
            assert sink.ids() == producer.made
            assert sink.ledger.count().duplicates == 0
            service.until_queue()
            service.until("sink", "ready")
    finally:
        producer.close()
        service.kill()
    with capsys.disabled():
        sys.stdout.write(f" [{count:,} events of {hours:.2g} h offline: there {drained:.1f} s after it was back] ")
    assert drained < 10 + 5 * hours
