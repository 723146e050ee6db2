"""What Prometheus is told of the camera service."""

from __future__ import annotations

from edgectl.stack.ops.metrics import counter, gauge, histogram

READ = counter("vision_camera_frames_read_total", "Frames that came from a camera", ["camera"])
STILL = counter("vision_camera_frames_still_total", "Frames that were not judged, since nothing moved", ["camera"])
DROPPED = counter(
    "vision_camera_frames_dropped_total", "Frames that gave way to a newer one before they were judged", ["camera"]
)
JUDGED = counter("vision_camera_frames_judged_total", "Frames that were judged, and by which tier", ["camera", "tier"])
EVENTS = counter("vision_camera_events_total", "Events made", ["camera", "tier"])
LOST = counter("vision_camera_events_lost_total", "Events that had to go from a full outbox before their receipt")
WAITING = gauge("vision_camera_outbox_events", "Events that wait for the uplink's receipt")
UNANSWERED = counter("vision_camera_inference_unanswered_total", "Frames that inference did not answer", ["kind"])
INFERENCE = histogram("vision_camera_inference_seconds", "From the question to the answer")
CANARIES = counter("vision_camera_canaries_total", "Canary frames, by the last hop that they reached", ["reached"])
