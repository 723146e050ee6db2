"""What Prometheus is told of the camera service."""

from __future__ import annotations

from edgectl.stack.ops.metrics import counter, gauge, histogram

_NAME = "vision_camera_"

READ = counter(f"{_NAME}frames_read_total", "Frames that came from a camera", ["camera"])
STILL = counter(f"{_NAME}frames_still_total", "Frames that were not judged, since nothing moved", ["camera"])
DROPPED = counter(
    f"{_NAME}frames_dropped_total", "Frames that gave way to a newer one before they were judged", ["camera"]
)
JUDGED = counter(f"{_NAME}frames_judged_total", "Frames that were judged, and by which tier", ["camera", "tier"])
EVENTS = counter(f"{_NAME}events_total", "Events made", ["camera", "tier"])
LOST = counter(f"{_NAME}events_lost_total", "Events that had to go from a full outbox before their receipt")
WAITING = gauge(f"{_NAME}outbox_events", "Events that wait for the uplink's receipt")
UNANSWERED = counter(f"{_NAME}inference_unanswered_total", "Frames that inference did not answer", ["kind"])
INFERENCE = histogram(f"{_NAME}inference_seconds", "From the question to the answer")
CANARIES = counter(f"{_NAME}canaries_total", "Canary frames, by the last hop that they reached", ["reached"])
