"""Laws of the whole: all services as processes, what one says is what the next one understands, up to who watches."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.looked import looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.metrics import text
from edgectl.stack.ops import metrics
from edgectl.wire.chain import READY, Chain, Endpoint
from edgectl.wire.chainlook import ChainLook
from tests.stack.collector import Collector, Received
from tests.stack.exposed import Exposed, amiss, labels, names, table
from tests.stack.test_observability import HOUSE, dashboard, queries, rules
from tests.stack.whole import Config, Whole
from tests.unit.node.fake import FakeNode

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
    more: dict[str, Config] = {"inference": {"audit": 0.2}, "camera": {}, "drift": {"report_seconds": 60}}
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
    """Send one, and return how far it came: nowhere while the camera still starts, whose port answers before."""
    url = f"http://127.0.0.1:{whole.services['camera'].ops}/canary"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=5) as answer:
            return str(json.load(answer)["reached"])
    except urllib.error.HTTPError:
        return ""


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
        return dict(
            re.findall(r"^(vision_drift_\w+)\{[^}]*\} (\S+)$", whole.services["drift"].get("/metrics"), re.MULTILINE)
        )

    whole.until(lambda: "vision_drift_calibration_error" in figures(), "no calibration is known", seconds=40)
    assert 0 <= float(figures()["vision_drift_calibration_error"]) < 0.5


def test_drift_says_how_far_its_camera_is(whole: Whole) -> None:
    def said() -> str:
        return str(whole.services["drift"].status()["state"]["reason"])

    whole.until(lambda: re.fullmatch(r"1 camera, (learning: .+|as learnt)", said()) is not None, "it is not said")


def amiss_in(whole: Whole) -> dict[str, Any]:
    """Return what any service says is not well, by service and link."""
    found: dict[str, Any] = {}
    for name, service in whole.services.items():
        status = service.status()
        states = {"": status["state"], **status["links"]}
        found |= {f"{name} {link}": state for link, state in states.items() if state["word"] != "ready"}
    return found


def test_everything_is_well(whole: Whole) -> None:
    """Law: with nothing broken no service says that anything is."""
    whole.until(lambda: not amiss_in(whole), "something is amiss")


@pytest.fixture(scope="module")
def look(whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> ChainLook:
    """Look at these services as the node does, once they have found each other."""
    whole.until(lambda: canary(whole) == "sink" and not amiss_in(whole), "it never becomes well")
    node = FakeNode(tmp_path_factory.mktemp("node"))
    for name in (*whole.services, "bus"):
        item = {"metadata": {"name": name}, "spec": {"clusterIP": "127.0.0.1", "selector": {"app": name}}}
        node.kube.objects[f"/api/v1/namespaces/vision/services/{name}"] = item
    ports = {name: service.ops for name, service in whole.services.items() if name != "sink"}
    at = {name: Endpoint(name, port) for name, port in {**ports, "bus": whole.broker.port}.items()}
    found, _ = looked(node, Declared("n", Chain("vision", at)), Memory("b"))
    return found


def test_the_nodes_look_at_these_services_is_ready(look: ChainLook) -> None:
    """Law: what services say is what the node understands, drift's and each camera's word among it."""
    assert look.word == READY, look
    told = {link.name: link.reason for link in look.links}
    assert {"inference", "camera", "bus", "uplink", "sink", "drift", "camera:door"} <= set(told)
    assert told["drift"].startswith("1 camera, ")


@pytest.fixture(scope="module")
def exposed(whole: Whole, look: ChainLook) -> Exposed:
    """Return the labels of all that is exposed: by the processes, and by the node of the chain."""
    found = labels(text(look, now=time.time()))
    for name, service in whole.services.items():
        said = service.get("/metrics")
        assert names(said), name
        declared = {one: set(_declared(one)) for one in names(said)}
        # Where there is a sample it bears the declared labels; a metric of labels has none before it is first used.
        assert {one: declared[one] for one in labels(said)} == labels(said), name
        found |= declared
    return found


def _declared(name: str) -> tuple[str, ...]:
    from edgectl.stack.camera import metrics as _camera  # noqa: F401 - these make theirs when they are imported
    from edgectl.stack.drift import summary as _drift  # noqa: F401
    from edgectl.stack.inference.metrics import Metrics
    from edgectl.stack.uplink.figures import Figures

    Metrics(), Figures()
    return {"vision_sink_events_total": ("new",)}.get(name) or tuple(metrics._made[name]._labelnames)


def test_every_metric_that_is_asked_for_is_exposed_with_its_labels(exposed: Exposed) -> None:
    """Law: alerts and dashboard ask only what running services answer. GPUs' metrics: test_observability.py."""
    gpu = {one: {"uuid", "deed", "resource"} for one in _gpu()}
    for rule in rules():
        assert amiss(rule["expr"], {**exposed, **gpu}) == set(), rule["alert"]
        asked = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert not asked or amiss(f"{rule['expr']} and on ({','.join(asked)})", {**exposed, **gpu}) == set()
    for query in queries(dashboard()):
        assert amiss(query, {**exposed, **gpu}) == set(), query


def _gpu() -> set[str]:
    from tests.stack.test_observability import made

    return {name for name in made() if not name.startswith(("vision_", "edgectl_chain_"))}


def test_the_docs_name_what_is_exposed_and_nothing_else(exposed: Exposed) -> None:
    """Law: the table of docs/observability.md is what is exposed, with its labels."""
    assert table((HOUSE / "docs" / "observability.md").read_text()) == exposed


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("vision_camera_framez_total", {"vision_camera_framez_total"}),
        ('vision_camera_frames_read_total{camra="a"}', {"vision_camera_frames_read_total{camra}"}),
        ("sum by (tier) (vision_camera_frames_read_total)", {"by (tier)"}),
        ("histogram_quantile(0.9, sum by (le) (rate(vision_inference_request_seconds_bucket[5m])))", set()),
        ('sum without (hop) (edgectl_chain_hop_seconds{store=~"$store"})', set()),
    ],
)
def test_what_nobody_exposes_is_found(exposed: Exposed, query: str, wrong: set[str]) -> None:
    """Seeded faults: a typo in a name, in a label, a label of another metric."""
    assert amiss(query, exposed) == wrong
