"""Laws of the services' metrics: one rule for names, one metric for one name."""

from __future__ import annotations

import pytest

from edgectl.stack.ops import metrics


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("vision_camera_frames_total", True),
        ("vision_uplink_oldest_seconds", False),
        ("vision_inference_batch_size", False),
        ("vision_drift_psi", False),
    ],
)
def test_a_good_name_is_taken(name: str, *, total: bool) -> None:
    assert metrics.wrong(name, total=total) == ""


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("camera_frames_total", True),  # whose?
        ("vision_frames_total", True),  # which service's?
        ("vision_camera_Frames_total", True),
        ("vision_camera_frames", True),  # a counter ends in _total
        ("vision_camera_queue_total", False),  # and nothing else does
        ("vision_inference_latency_ms", False),  # base units
        ("vision_uplink_sent_mb_total", True),
        ("vision_drift_agreement_percent", False),
    ],
)
def test_a_bad_name_is_refused(name: str, *, total: bool) -> None:
    assert metrics.wrong(name, total=total)


def test_the_same_name_is_the_same_metric() -> None:
    """A service that is built twice in one process (tests do) counts on; another kind by that name is refused."""
    one = metrics.counter("vision_drift_law_total", "Only here.", ["camera"])
    assert metrics.counter("vision_drift_law_total", "Only here.", ["camera"]) is one
    with pytest.raises(ValueError, match="Counter already"):
        metrics.gauge("vision_drift_law_total", "Only here.")
    with pytest.raises(ValueError, match="_total"):
        metrics.counter("vision_drift_law", "Only here.")
    metrics.histogram("vision_drift_law_seconds", "Only here.").observe(0.1)
