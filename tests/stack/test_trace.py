"""Laws of tracing: the parents are right at a real collector, no collector costs nothing, a dead one blocks nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from edgectl.stack.ops import trace
from edgectl.stack.ops.trace import span
from tests.stack.collector import Collector


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in (*trace.ENDPOINTS, trace.RATIO, trace.SERVICE):
        monkeypatch.delenv(name, raising=False)
    with Collector() as server:
        monkeypatch.setenv(trace.ENDPOINTS[0], server.url)
        yield server
        trace.close()


def frame_to_sink() -> dict[str, str]:
    """Make spans, the traceparent handed on, as services do (they themselves: test_whole.py); returns them all."""
    made = {}
    with span("camera.frame", camera="aisle-1") as made["frame"]:
        with span("inference.infer", parent=made["frame"], model="tiny-detector", batch=3) as made["inference"]:
            pass
        with span("camera.event", parent=made["frame"]) as made["event"]:
            pass
    with span("uplink.send", parent=made["event"]) as made["sink"]:
        pass
    return made


def test_one_frame_is_one_trace_with_the_right_parents(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame, its inference, its event, its delivery: one trace, each under what caused it, attributes kept."""
    monkeypatch.setenv(trace.SERVICE, "store-042")
    made = frame_to_sink()
    trace.close()
    got = collector.by_name()
    assert set(got) == {"camera.frame", "inference.infer", "camera.event", "uplink.send"}
    assert {one.trace_id.hex() for one in got.values()} == {made["frame"].split("-")[1]}
    frame, event = got["camera.frame"], got["camera.event"]
    assert frame.parent_span_id == b""
    assert got["inference.infer"].parent_span_id == frame.span_id == event.parent_span_id
    assert got["uplink.send"].parent_span_id == event.span_id
    assert got["uplink.send"].span_id.hex() == made["sink"].split("-")[2]
    assert {one.key: one.value.int_value for one in got["inference.infer"].attributes}["batch"] == 3
    assert {one.service for one in collector.spans} == {"store-042"}


def test_frames_follow_each_other_and_are_not_each_others_children(collector: Collector) -> None:
    """Inside of a `with`, a span without a parent is a new trace all the same: the services' threads are reused."""
    with span("outer") as outer, span("inner") as inner:
        assert outer.split("-")[1] != inner.split("-")[1]
    trace.close()
    assert collector.by_name()["inner"].parent_span_id == b""


def test_an_error_is_on_the_span_and_goes_on(collector: Collector) -> None:
    """What fails inside is not swallowed, and the trace says what it was."""
    with pytest.raises(ValueError, match="no picture"), span("camera.frame"):
        raise ValueError("no picture")
    trace.close()
    failed = collector.by_name()["camera.frame"]
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "no picture" in failed.status.message


@pytest.mark.parametrize(("ratio", "sent"), [("0", 0), ("1", 4), ("0.0", 0)])
def test_the_share_decides_for_the_whole_frame(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, ratio: str, sent: int
) -> None:
    """The first span draws, the others follow its flag: a frame is traced whole or not at all."""
    monkeypatch.setenv(trace.RATIO, ratio)
    made = frame_to_sink()
    trace.close()
    assert len(collector.spans) == sent
    assert {int(one.rsplit("-", 1)[1], 16) & 1 for one in made.values()} == {int(sent > 0)}


@pytest.mark.parametrize("text", ["", "1", "0.25", "0"])
def test_a_share_is_read(text: str) -> None:
    assert trace.ratio(text) == float(text or 1)


@pytest.mark.parametrize("text", ["-1", "1.5", "half", "nan"])
def test_what_is_no_share_is_said_and_traces_all(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace.ratio(text) == 1
    assert text in capsys.readouterr().err


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in trace.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("alone")
def test_without_a_collector_a_traceparent_is_handed_on() -> None:
    """The ids in the logs of all services are those of the frame; what is no traceparent begins a new one."""
    made = frame_to_sink()
    assert len(set(made.values())) == 1
    given = f"00-{'ab' * 16}-{'cd' * 8}-01"
    with span("x", parent=given) as handed:
        assert handed == given
    for bad in ("", "rubbish", f"00-{'0' * 32}-{'cd' * 8}-01", f"00-{'ab' * 16}-{'0' * 16}-01", given + "-x"):
        with span("x", parent=bad) as new:
            assert trace._PARENT.fullmatch(new)
            assert new != bad


def test_a_collector_that_is_away_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten times more spans than may wait, at a collector that is silent, none waits; the end comes in time."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        monkeypatch.setenv(trace.ENDPOINTS[0], f"http://127.0.0.1:{hole.getsockname()[1]}")
        slowest = 0.0
        for _ in range(5120):
            one = time.monotonic()
            with span("frame"):
                pass
            slowest = max(slowest, time.monotonic() - one)
        assert slowest < trace._EXPORT_SECONDS / 2
        provider = trace._open()
        processors = provider._active_span_processor._span_processors
        assert len(processors[0]._batch_processor._queue) <= 512  # type: ignore[attr-defined]
        ends = time.monotonic()
        trace.close(seconds=0.5)
        assert time.monotonic() - ends < 2


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
def test_opentelemetry_is_imported_only_for_a_collector(endpoint: str) -> None:
    """A service without tracing pays nothing for it; the same code with an endpoint shows that the look is a look."""
    code = (
        "import sys\n"
        "from edgectl.stack.ops.trace import span\n"
        "with span('frame', camera='a'): pass\n"
        "print(sum(name.startswith('opentelemetry') for name in sys.modules) > 0)\n"
    )
    env = {name: value for name, value in os.environ.items() if name not in trace.ENDPOINTS}
    env |= {trace.ENDPOINTS[0]: endpoint} if endpoint else {}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == str(bool(endpoint))
    assert ended.stderr == ""
