"""What the uplink counts, for Prometheus and for people."""

from __future__ import annotations

from edgectl.stack.ops.metrics import counter, gauge, histogram

_BATCH = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Figures:
    """The same numbers for whoever makes one: a process has one uplink."""

    def __init__(self) -> None:
        self.kept = counter("vision_uplink_events_kept_total", "Events that are on the disk, receipted")
        self.sent = counter("vision_uplink_events_sent_total", "Events that the sink has taken")
        self.duplicates = counter("vision_uplink_events_duplicate_total", "Events that came again")
        self.dropped = counter("vision_uplink_events_dropped_total", "Events that had to go unsent: over budget")
        self.refused = counter(
            "vision_uplink_events_refused_total", "Events without a receipt, as nothing could be kept"
        )
        self.aside = counter("vision_uplink_events_aside_total", "Events that the sink refuses, set aside")
        self.malformed = counter("vision_uplink_events_malformed_total", "Messages that are no event")
        self.canaries = counter("vision_uplink_canaries_total", "Canaries, by whether the sink had them", ("arrived",))
        self.commit = histogram("vision_uplink_commit_seconds", "One group of events onto the disk")
        self.batch = histogram("vision_uplink_batch_seconds", "One batch, until the sink's answer", buckets=_BATCH)
        self.line = counter("vision_uplink_sent_bytes_total", "Bytes of batches that the sink has taken, packed")
        self.waiting = gauge("vision_uplink_queue_events", "Events that wait")
        self.used = gauge("vision_uplink_queue_bytes", "Of the budget, used")
        self.oldest = gauge("vision_uplink_queue_oldest_seconds", "How long the oldest event has waited")
        self.room = gauge("vision_uplink_queue_room_seconds", "How long there is room, at the rate of the last hour")
        self.up = gauge("vision_uplink_sink_up", "1: the sink takes events")
