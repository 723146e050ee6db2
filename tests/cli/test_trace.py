"""A deploy as a trace: a span for each step by the node's own times; a collector that is away costs two seconds."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from edgectl.control.deploy import trace
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.recorded import Recorded
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode
from tests.stack.collector import Collector

pytestmark = pytest.mark.usefixtures("inventory")
NOTE = "  note      no trace of this deploy: "


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Return a real collector that the environment names."""
    with Collector() as opened:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", opened.url)
        yield opened


@pytest.mark.usefixtures("node")
def test_a_deploy_is_one_trace(collector: Collector, edgectl: Edgectl) -> None:
    """Root, connection, transfer, the node's run, and under it each step, in order and within it."""
    said = edgectl("deploy", "store-042")
    assert said.code == 0
    assert "note" not in said.err
    assert {one.service for one in collector.spans} == {"edgectl"}
    assert len({one.trace for one in collector.spans}) == 1
    spans = collector.by_name()
    assert set(spans) == {"deploy store-042", "connect", "send", "run", "host-files", "blobs", "inference"}
    root, run = spans["deploy store-042"], spans["run"]
    assert root.parent_span_id == b""
    assert {spans[name].parent_span_id for name in ("connect", "send", "run")} == {root.span_id}
    steps = [spans[name] for name in ("blobs", "host-files", "inference")]
    assert {one.parent_span_id for one in steps} == {run.span_id}
    for before, after in pairwise(steps):
        assert before.end_time_unix_nano <= after.start_time_unix_nano + 1000
    for one in spans.values():
        assert root.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano
        assert one.end_time_unix_nano <= root.end_time_unix_nano
    facts = {one.key: one.value for one in root.attributes}
    assert facts["edgectl.store"].string_value == "store-042"
    assert facts["edgectl.word"].string_value == "ready"
    assert facts["edgectl.sequence"].int_value == 1
    assert facts["edgectl.blob_bytes"].int_value > 0


def test_what_fails_is_marked(inventory: Path, node: StoreNode, collector: Collector, edgectl: Edgectl) -> None:
    """The step and the deploy; a deploy that reaches nobody is one span with its connection."""
    from edgectl.wire.errors import Unreachable

    declare(inventory, "bad")
    assert edgectl("deploy", "store-042").code == 5
    spans = collector.by_name()
    for name in ("inference", "deploy store-042"):
        assert spans[name].status.code == Status.STATUS_CODE_ERROR
        assert "the model does not load" in spans[name].status.message
    node.join()
    node.refuses = Unreachable("node-1 did not answer within 15 s")
    collector.spans.clear()
    assert edgectl("deploy", "store-042").code == 4
    assert set(collector.by_name()) == {"deploy store-042", "connect"}
    assert collector.by_name()["connect"].status.message == "node-1 did not answer within 15 s"


@pytest.mark.usefixtures("node")
def test_a_collector_that_is_away_fails_and_slows_nothing(edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: nobody there, or one that takes a connection and never answers: one note, in time, the same exit code.

    Seeded: the exporter's own deadline of ten seconds.
    """
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        for port in (deaf.getsockname()[1], 9):
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
            began = time.monotonic()
            said = edgectl("deploy", "store-042")
            assert time.monotonic() - began < 5
            assert said.code == 0
            assert said.err.count(NOTE) == 1
            assert "Traceback" not in said.err


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("endpoint", ["", "nonsense", "http://[::1", "ftp://x"])
def test_an_address_that_is_none(edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Said once, and the deploy is what it is; without one nothing is said."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    said = edgectl("deploy", "store-042")
    assert said.code == 0
    assert said.err.count(NOTE) == (1 if endpoint else 0)


@pytest.mark.usefixtures("node")
def test_without_a_collector_nothing_is_imported(edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: it costs nobody anything who has none."""
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    edgectl("deploy", "store-042")
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]


def test_a_nodes_wrong_clock_moves_nothing() -> None:
    """Law: spans lie where the operator saw them, however wrong the node's clock; late news only come late."""
    now = [100.0]
    record = Recorded(cast("Listener", _Quiet()), "node-1", clock=lambda: now[0])
    for came, at in ((130.0, 0.0), (130.0, 4.0), (131.0, 21.0)):  # the first two waited for a link that was cut
        now[0] = came
        record.event({"kind": "step", "step": f"s{at}", "word": "ok", "at": at, "time": "1999-01-01T00:00:00Z"})
    assert record.run_began() == 110.0
    assert trace.is_on() is False


class _Quiet:
    def __getattr__(self, name: str) -> object:
        return lambda *_: None
