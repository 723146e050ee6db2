"""What inference tells Prometheus. Must not know how any of it comes about."""

from __future__ import annotations

from edgectl.stack.ops.metrics import counter, gauge, histogram

_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)


class Metrics:
    """One for the process: asked for twice, they are the same."""

    def __init__(self) -> None:
        self.requests = counter(
            "vision_inference_requests_total", "Questions, by what became of them", ("tier", "version", "outcome")
        )
        self.seconds = histogram("vision_inference_request_seconds", "From the question to its answer", ("tier",))
        self.batch = histogram("vision_inference_batch_frames", "Frames that ran as one", buckets=_BATCHES)
        self.waiting = gauge("vision_inference_queue_requests", "Questions that wait")
        self.loaded = gauge("vision_inference_model_loaded_info", "Versions in memory", ("model", "version", "role"))
        self.switches = counter("vision_inference_switches_total", "Versions that were switched to while serving")
        self.agreement = gauge(
            "vision_inference_candidate_agreement_ratio", "Frames that candidate and current agree in"
        )
        self.candidate_errors = counter("vision_inference_candidate_errors_total", "Answers that the candidate failed")
