"""What Prometheus is told of the camera service. One registry per process, as its library has it."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

READ = Counter("vision_camera_frames_read", "Frames that came from a camera", ["camera"])
STILL = Counter("vision_camera_frames_still", "Frames in which nothing moved", ["camera"])
DROPPED = Counter("vision_camera_frames_dropped", "Frames that gave way to a newer one before they were judged", ["camera"])
JUDGED = Counter("vision_camera_frames_judged", "Frames that were judged, by who judged them", ["camera", "tier"])
EVENTS = Counter("vision_camera_events", "Events made", ["camera", "tier"])
LOST = Counter("vision_camera_events_lost", "Events that had to go from a full outbox before their receipt")
WAITING = Gauge("vision_camera_outbox_events", "Events that wait for the uplink's receipt")
UNANSWERED = Counter("vision_camera_inference_unanswered", "Frames that inference did not answer", ["kind"])
INFERENCE = Histogram(
    "vision_camera_inference_seconds",
    "From the question to the answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
)
CANARIES = Counter("vision_camera_canaries", "Canary frames, by the last hop that they reached", ["reached"])
