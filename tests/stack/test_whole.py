"""Laws of the whole: all services as processes, what one says is what the next one understands, up to who watches."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.collector import Collector, Received
from tests.stack.whole import Whole

BETWEEN = {
    "camera.frame": ("camera", None),
    "inference.infer": ("inference", "camera.frame"),
    "uplink.send": ("uplink", "camera.frame"),
    "sink.take": ("sink", "uplink.send"),
}
CANARY = {
    "camera.canary": ("camera", None),
    "inference.infer": ("inference", "camera.canary"),
    "uplink.canary": ("uplink", "camera.canary"),
    "sink.take": ("sink", "uplink.canary"),
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        yield server


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Whole]:
    """Run all of it, sixty times as fast for who learns; it ends as Kubernetes ends it."""
    more = {"inference": {"audit": 0.2}, "camera": {}, "drift": {"report_seconds": 60}}
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "EDGECTL_CLOCK": f"60@{time.time():.0f}"}
    running = Whole(tmp_path_factory.mktemp("whole"), more=more, env=env)
    running.start()
    try:
        yield running
        assert set(running.stop().values()) == {0}
    finally:
        running.kill()


def traces(collector: Collector) -> list[list[Received]]:
    """Return what came, frame by frame."""
    found: dict[bytes, list[Received]] = defaultdict(list)
    for one in [*collector.spans]:
        found[one.trace].append(one)
    return [*found.values()]


def is_whole(trace: list[Received], shape: dict[str, tuple[str, str | None]]) -> bool:
    """Tell whether a trace has these spans, each from its service and under what has caused it."""
    have = {one.span.name: one for one in trace}
    if set(have) != set(shape):
        return False
    for name, (service, above) in shape.items():
        parent = have[above].span.span_id if above else b""
        if have[name].service != service or have[name].span.parent_span_id != parent:
            return False
    return True


def canary(whole: Whole) -> str:
    """Send one, and return how far it came."""
    url = f"http://127.0.0.1:{whole.services['camera'].ops}/canary"
    with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=5) as answer:
        return str(json.load(answer)["reached"])


def test_a_frame_is_one_trace_from_the_camera_to_the_sink(whole: Whole, collector: Collector) -> None:
    """Law: what inference did, the event's way and the sink's word hang under the frame, from the processes themselves.

    Seeded faults: the uplink begins a trace of its own; inference's parent is the camera's last frame.
    """
    whole.until(lambda: any(is_whole(trace, BETWEEN) for trace in traces(collector)), "no frame is traced whole")


def test_a_canary_is_one_trace_too(whole: Whole, collector: Collector) -> None:
    whole.until(lambda: canary(whole) == "sink", "no canary arrives")
    whole.until(lambda: any(is_whole(trace, CANARY) for trace in traces(collector)), "no canary is traced whole")


def test_drift_hears_of_both_tiers_what_inference_says(whole: Whole) -> None:
    """Law: what the full tier says of the fast one's frames goes by the camera to drift, and is a figure there.

    Seeded faults: inference does not send it; the camera drops it; another name for it.
    """

    def figures() -> dict[str, str]:
        return dict(re.findall(r"^(vision_drift_\w+)\{[^}]*\} (\S+)$", whole.services["drift"].get("/metrics"), re.M))

    whole.until(lambda: "vision_drift_calibration_error" in figures(), "no calibration is known", seconds=40)
    assert 0 <= float(figures()["vision_drift_calibration_error"]) < 0.5


def test_drift_says_how_far_its_camera_is(whole: Whole) -> None:
    def said() -> str:
        return str(whole.services["drift"].status()["state"]["reason"])

    whole.until(lambda: re.fullmatch(r"1 camera, (learning: .+|as learnt)", said()) is not None, "it is not said")


def test_everything_is_well(whole: Whole) -> None:
    """Law: with nothing broken no service says that anything is."""

    def amiss() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, service in whole.services.items():
            status = service.status()
            states = {"": status["state"], **status["links"]}
            found |= {f"{name} {link}": state for link, state in states.items() if state["word"] != "ready"}
        return found

    whole.until(lambda: not amiss(), "something is amiss")
