"""What store-and-forward costs: `python -m tests.bench.uplink` prints a table with its limits.

The real uplink (a process) between a real Mosquitto and the reference sink (another one), on this machine; beside it
plain SQLite inserts with the same pragmas in groups as large, and zlib of the same lines. Seconds are the uplink's own.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.uplink.config import Config, SinkAt, StoreAt
from edgectl.stack.uplink.store import Store
from edgectl.wire.document import canonical
from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.process import Process, uplink
from tests.stack.producer import Producer, event

EVENTS = 20_000
ROUNDS = 3
GROUPS = (20, 500)  # Mosquitto's window of messages in flight; a full group
LIMIT_RATIO = 2.0  # of time, beside plain inserts: what is sent is known on, and the budget is held
LIMIT_LINE = 1.25  # bytes beside one stream of zlib that never ends
LIMIT_CPU_SECONDS = 3.0  # for 10,000 events, in and out together


@dataclass(frozen=True)
class Cost:
    """What a number of events took."""

    events: int
    seconds: float
    cpu_seconds: float

    def row(self, what: str) -> str:
        """Return one line of the table."""
        return f"| {what} | {self.events / self.seconds:,.0f} | {self.cpu_seconds / self.events * 1e4:.2f} |\n"


def timed(began: float, cpu: float) -> Cost:
    """Return what this process has spent since."""
    return Cost(EVENTS, time.monotonic() - began, time.process_time() - cpu)


def kept(items: Sequence[tuple[str, bytes]], group: int) -> Cost:
    """Measure the uplink's own store, in this process."""
    with tempfile.TemporaryDirectory() as name:
        store = Store(StoreAt(f"{name}/u.db", keep_free_bytes=0), SystemClock())
        store.open()
        began, cpu = time.monotonic(), time.process_time()
        for index in range(0, len(items), group):
            store.keep(items[index : index + group])
        cost = timed(began, cpu)
        store.close()
        return cost


def inserted(items: Sequence[tuple[str, bytes]], group: int) -> Cost:
    """Measure the floor: rows into one table where an id is there once, synced as often."""
    with tempfile.TemporaryDirectory() as name:
        db = sqlite3.connect(f"{name}/f.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body BLOB)")
        began, cpu = time.monotonic(), time.process_time()
        for index in range(0, len(items), group):
            db.execute("BEGIN")
            db.executemany("INSERT OR IGNORE INTO events (id, body) VALUES (?, ?)", items[index : index + group])
            db.execute("COMMIT")
        cost = timed(began, cpu)
        db.close()
        return cost


def spent(process: Process) -> float:
    """Return the processor seconds of a process and its threads."""
    assert process.running is not None
    fields = Path(f"/proc/{process.running.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def passed() -> tuple[Cost, Cost, float]:
    """Events through the whole of it: onto the disk with the sink away, then out. And bytes an event on the line."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        broker = Broker(folder)
        sink = Process("edgectl.stack.sink", ["--port", str(port), "--db", f"{name}/sink.db"], folder)
        at = Config(
            BusAddress(broker.host, broker.port),
            SinkAt(f"http://127.0.0.1:{port}/events", every_seconds=0.2),
            StoreAt(f"{name}/u.db", keep_free_bytes=0),
        )
        service = uplink(at, folder)
        service.start()
        service.until("bus", "ready")
        producer = Producer(broker.host, broker.port, "bench")
        try:
            began, cpu = time.monotonic(), spent(service)
            for _ in range(EVENTS // 500):
                producer.make(500)
                producer.until("receipts")
            came = Cost(EVENTS, time.monotonic() - began, spent(service) - cpu)
            sink.start()
            before = _until(port, 1)  # the first batch goes some time after the sink is there
            began, cpu = time.monotonic(), spent(service)
            _until(port, EVENTS)
            went = Cost(EVENTS - before, time.monotonic() - began, spent(service) - cpu)
            service.until_queue()
            lines = [
                line
                for line in service.get("/metrics").splitlines()
                if line.startswith("vision_uplink_sent_bytes_total")
            ]
            return came, went, float(lines[0].split()[1]) / EVENTS
        finally:
            producer.close()
            service.kill()
            sink.kill()
            broker.stop()


def _until(port: int, count: int) -> int:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=5) as answer:
                found = int(json.load(answer)["events"])
                if found >= count:
                    return found
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"the sink has not {count} events after 120 s")


def uplinks() -> bool:
    """Print the table; False when a limit is missed."""
    items = [(one.id, canonical(one)) for one in (event("bench") for _ in range(EVENTS))]
    raw = sum(len(body) for _, body in items) / EVENTS
    came, went, line = passed()
    out = sys.stdout
    out.write(f"\nStore and forward: {EVENTS:,} events of {raw:.0f} bytes (`python -m tests.bench.uplink`)\n\n")
    out.write("| what | events/s | processor seconds per 10,000 events |\n|---|---|---|\n")
    out.write(came.row("in: bus, disk, receipt; the whole uplink, one producer in Python beside it"))
    good = True
    for group in GROUPS:
        pairs = [(kept(items, group), inserted(items, group)) for _ in range(ROUNDS)]  # in turn
        ours, floor = (min(costs, key=lambda cost: cost.seconds) for costs in zip(*pairs, strict=True))
        ratio = ours.seconds / floor.seconds
        good = good and ratio <= LIMIT_RATIO
        out.write(floor.row(f"floor: plain inserts, synced each {group}"))
        out.write(
            ours.row(f"the disk's part: kept in groups of {group}: **{ratio:.2f}** of the floor (limit {LIMIT_RATIO})")
        )
    out.write(went.row("out: disk, zlib, HTTP, settled; the whole uplink, with the reference sink beside it"))
    began, cpu = time.monotonic(), time.process_time()
    floor_line = len(zlib.compress(b"\n".join(body for _, body in items))) / EVENTS
    out.write(timed(began, cpu).row("floor: zlib of all the lines at once"))
    both = (came.cpu_seconds / came.events + went.cpu_seconds / went.events) * 1e4
    out.write(
        f"\nIn and out together: **{both:.2f}** s of a processor for 10,000 events (limit {LIMIT_CPU_SECONDS}).\n"
    )
    out.write(
        f"On the line: **{line:.0f}** bytes an event of {raw:.0f}; one stream of zlib: {floor_line:.0f}"
        f" (**{line / floor_line:.2f}**, limit {LIMIT_LINE})\n"
    )
    return good and both <= LIMIT_CPU_SECONDS and line / floor_line <= LIMIT_LINE


if __name__ == "__main__":
    sys.exit(0 if uplinks() else 1)
