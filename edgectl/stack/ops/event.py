"""What a store tells: one event of one camera, from the frame to the sink, and its name that never repeats.

Owns: the shape on the bus, in the uplink's store and at the sink, and the topics. Must not know who sends it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

EVENTS = "vision/events"  # /CAMERA, QoS 1: an Event
FRAMES = "vision/frames"  # /CAMERA, QoS 0: a Seen of each frame that was judged, for drift
RECEIPTS = "vision/receipts"  # /SOURCE, QoS 1: {"ids": [...]}: the uplink has these on its disk
ARRIVED = "vision/arrived"  # QoS 1: {"id": ..., "at": {...}}: the sink has acknowledged this canary

DETECTIONS, CANARY = "detections", "canary"
FULL, FAST, RULE = "full", "fast", "rule"  # which tier has answered


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing in a frame. `box`: centre x, centre y, width, height, as parts of the frame (0 to 1)."""

    label: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Event:
    """One frame's answer. `source` names who waits for the receipt; `at` is seconds since 1970 by the store's clock."""

    id: str
    at: float
    camera: str
    source: str
    kind: str = DETECTIONS
    model: str = ""
    version: str = ""
    tier: str = FULL
    detections: tuple[Detection, ...] = ()
    trace: str = ""  # W3C traceparent
    hops: dict[str, float] = field(default_factory=dict)  # by hop, time.time() of the machine when it was done there


@dataclass(frozen=True, slots=True)
class Seen:
    """What drift needs of a frame: how sure the model was, and what the picture is like (0 to 1 each).

    `extra`, where known: "frozen", whether it is the frame before, again; "fast", where both tiers have answered:
    {"score": how sure the fast one was, "agreed": whether the full one says the same}.
    """

    at: float
    camera: str
    model: str
    version: str
    tier: str
    scores: tuple[float, ...]
    brightness: float
    contrast: float
    sharpness: float
    extra: dict[str, Any] = field(default_factory=dict)


def new_id() -> str:
    """Return a name that nobody else gives."""
    return uuid.uuid4().hex
