"""A store without its line for hours, by a clock sixty times as fast, its power cut in the middle: nothing is lost.

An hour in CI, a day with `nox -s long`. What was receipted is heard, and the sink stands, outside of the node.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgectl.wire.errors import EdgectlError
from tests.e2e.conftest import Clones, Shop
from tests.e2e.node import Node
from tests.e2e.operator import Operator
from tests.e2e.outside import SINK, Receipts, Sink

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

SPEED = 60
CAMERAS = 4
ROOM = 120_000  # events
DEGRADED = 9  # the exit code of `edgectl chain`
FOLDER = "/var/lib/edgectl-vision/uplink"
HOURS = [pytest.param(1, id="1 hour"), pytest.param(24, id="24 hours", marks=pytest.mark.long)]


@dataclass(frozen=True, slots=True)
class Day:
    """A store by a fast clock, with who is outside of it."""

    shop: Shop
    operator: Operator
    sink: Sink
    receipts: Receipts

    @property
    def node(self) -> Node:
        """The node."""
        return self.shop.node


@pytest.fixture
def day(clones: Clones, tmp_path: Path) -> Iterator[Day]:
    """Yield a store of its own: after it, the time on its disk is that of no other test."""
    clones.drop()
    shop = clones.take()
    clock = f"{SPEED}@{time.time():.0f}"
    sink = Sink(shop.sandbox, tmp_path, clock)
    bus = shop.node.kubectl("get", "service", "bus", "-n", "vision", "-o", "jsonpath={.spec.clusterIP}")
    receipts = Receipts(shop.sandbox, tmp_path, bus)

    def change(doc: dict[str, Any]) -> None:
        """One event a second of the store's time; batches go every five real seconds."""
        values = doc["defaults"]["releases"]["vision-stack"]["values"]
        cameras = {
            f"till-{one}": {"source": f"synthetic:{one}", "fps": 1 / CAMERAS, "motion": 0} for one in range(CAMERAS)
        }
        values["clock"] = clock
        values["camera"] = {"cameras": cameras, "config": {"events": {"mode": "all", "min_interval_seconds": 0}}}
        values["sink"] = {"enabled": False}
        values["uplink"] = {
            "sink": {"url": f"{SINK}/events", "timeout_seconds": 2, "every_seconds": 5 * SPEED},
            "config": {"store": {"budget_events": ROOM}},
        }

    try:
        operator = shop.operator.with_(change=change)
        operator.deploy()
        receipts.listen()
        yield Day(shop, operator, sink, receipts)
    finally:
        receipts.end()
        sink.end()
        clones.drop()


@pytest.mark.parametrize("hours", HOURS)
def test_offline_with_a_power_cut_then_drained(hours: int, day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: 0 of all that had a receipt are lost, 0 come twice; the store says degraded all the time, and sells."""
    node, store = day.node, day.shop.sandbox
    _until("receipts come", lambda: len(day.receipts.ids()) > SPEED, seconds=30)
    day.operator.run("chain")
    at_sink = day.sink.count().events
    # Between two batches: an answer that is lost on the way makes the uplink send that batch again, as it must.
    _until("a batch has arrived", lambda: day.sink.count().events > at_sink, seconds=30)
    day.sink.cut()
    began, seconds = time.monotonic(), hours * 3600 / SPEED
    at_sink, offline = day.sink.count().events, len(day.receipts.ids())
    _until("it is said that the sink is away", lambda: _looked(day)["word"] == "degraded", seconds=30)
    _offline(day, until=began + seconds / 2)
    heard = len(day.receipts.ids()) - offline
    rate = heard / ((time.monotonic() - began) * SPEED)

    store.cut_power()
    day.receipts.end()
    before = day.receipts.ids()
    powered = time.monotonic()
    store.power_on()
    day.receipts.listen()
    _until("new events are kept", lambda: day.receipts.ids() - before, seconds=90)
    kept = time.monotonic() - powered
    _until("inference answers", lambda: _answers(node), seconds=90)
    sells = time.monotonic() - powered
    _until("the chain is whole but for the sink", lambda: _looked(day)["word"] == "degraded", seconds=60)
    back = time.monotonic() - powered
    waits = _waiting(day)
    _offline(day, until=max(began + seconds, time.monotonic() + 5))
    assert waits >= len(before) - at_sink - SPEED, "what waited before the cut, waits after it"
    disk = node.sh(f"ls -s --block-size=1 {FOLDER}")
    queued = _waiting(day)
    passed = (time.monotonic() - began) * SPEED

    drained = _drain(day)
    told = day.receipts.ids()
    end = time.monotonic() + 60
    while (missing := told - day.sink.ids()) and time.monotonic() < end:
        time.sleep(0.5)
    assert not missing, (
        f"{len(missing & before)} of {len(before)} receipted before the cut, {len(missing - before)} since"
    )
    day.operator.run("chain")
    count = day.sink.count()
    line = _metric(node, "vision_uplink_sent_bytes_total") / _metric(node, "vision_uplink_events_sent_total")
    with capsys.disabled():
        sys.stdout.write(
            f" [{passed / 3600:.2f} h offline, {rate:.2f} events/s kept of the store's time; {len(told):,} receipted, "
            f"{count.events:,} at the sink, {count.duplicates} twice; after the cut: events kept in {kept:.1f} s, "
            f"inference answers in {sells:.1f} s, degraded in {back:.1f} s; {queued:,} drained, {drained:.0f}/s, "
            f"{line:.0f} bytes each; disk: {disk!r}] "
        )
    assert count.duplicates == 0
    assert rate > 0.5, "a test of almost nothing"
    assert "corrupt" not in disk


def _drain(day: Day) -> float:
    """Let the queue go; return how many a second, from the first that arrives to the last of those that waited."""
    want, before = len(day.receipts.ids()), day.sink.count().events
    day.sink.open()
    _until("the sink is reached", lambda: day.sink.count().events > before, seconds=30)
    began, first = time.monotonic(), day.sink.count().events
    _until("the queue is drained", lambda: day.sink.count().events >= want, seconds=300)
    return (day.sink.count().events - first) / (time.monotonic() - began)


def _offline(day: Day, *, until: float) -> None:
    """Look again and again: degraded, how many wait, and for how long there is room (more, while few have come)."""
    while time.monotonic() < until:
        said = " ".join(day.operator.run("chain", code=DEGRADED).out.split())
        assert re.search(r"[0-9,]+ events wait, room for [0-9]+ (h|days)", said), said


def _looked(day: Day) -> dict[str, Any]:
    said = day.operator.start("chain", "-o", "json").finish(seconds=60)
    try:
        return said.document
    except ValueError:
        return {"word": f"exit {said.code}"}


def _status(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_asked(node, "/status"))
    return found


def _waiting(day: Day) -> int:
    return int(_status(day.node)["facts"]["queue"]["events"])


def _metric(node: Node, name: str) -> float:
    lines = _asked(node, "/metrics").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def _asked(node: Node, path: str) -> str:
    address = node.kubectl("get", "service", "uplink", "-n", "vision", "-o", "jsonpath={.spec.clusterIP}")
    return node.sh(f"curl -sSf -m 5 http://{address}:9100{path}")


def _answers(node: Node) -> bool:
    try:
        return node.answers() == ""
    except EdgectlError:  # Kubernetes does not say yet where it is
        return False


def _until(what: str, true: Callable[[], object], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
