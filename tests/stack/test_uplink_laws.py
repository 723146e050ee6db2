"""No event that was receipted is lost, none counts twice, whatever dies when: drawn strikes against real processes.

`kill -9` here leaves what the system has in memory: that commits are synced is seen by tests/unit/stack/uplink, and a
power cut by the end-to-end tests, on a disk of its own.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stack.broker import Broker
from tests.stack.process import Process, uplink
from tests.stack.producer import Producer
from tests.stack.sinks import PASSING, FaultySink
from tests.stack.test_uplink import configured, reached

PRODUCERS = 3
SEEDS = [pytest.param(1, id="seed 1"), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))]


@contextmanager
def making(producers: list[Producer], *, pause: float) -> Iterator[None]:
    """Let all of them make events all the time."""
    stop = threading.Event()

    def make() -> None:
        while not stop.wait(pause):
            for producer in producers:
                producer.make(4)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


STRIKES = ("kill",) * 5 + ("broker",) * 2 + PASSING


def strike(kind: str, draw: random.Random, service: Process, broker: Broker, sink: FaultySink) -> None:
    """Let one thing happen, at a drawn moment, and be over."""
    time.sleep(draw.random() * 0.4)
    if kind == "kill":
        service.kill()
        time.sleep(draw.random() * 0.3)
        service.start()
        time.sleep(0.6 + draw.random() * 0.6)  # it takes half a second to begin: the next strike meets it at work
    elif kind == "broker":
        broker.restart()
    else:
        sink.fault = kind
        time.sleep(0.3 + draw.random() * 1.5)
        sink.fault = ""


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_receipted_is_lost_and_nothing_counts_twice(seed: int, broker: Broker, tmp_path: Path) -> None:
    """Strikes of all kinds while three cameras make events: in the end the sink has each of them, once."""
    draw = random.Random(seed)  # noqa: S311 - the same strikes each time
    with FaultySink() as sink:
        service = uplink(
            configured(
                broker,
                tmp_path,
                f"http://127.0.0.1:{sink.port}/events",
                batch_events=50,
                every_seconds=0.1,
                timeout_seconds=0.25,
            ),
            tmp_path,
        )
        service.start()
        service.until("bus", "ready")
        producers = [Producer(broker.host, broker.port, f"cam-{number}") for number in range(PRODUCERS)]
        try:
            with making(producers, pause=0.02):
                for kind in draw.sample(STRIKES, len(STRIKES)):
                    strike(kind, draw, service, broker, sink)
            for producer in producers:
                producer.until("receipts")
            made = set().union(*(producer.made for producer in producers))
            receipted = set().union(*(producer.receipted for producer in producers))
            assert made <= receipted
            assert len(made) > 500
            reached(sink, made, seconds=90)
            service.until_queue()
        finally:
            for producer in producers:
                producer.close()
            service.kill()
