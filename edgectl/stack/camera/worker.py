"""A worker: takes a frame off the line, has it judged, and tells what was seen. Never stops for a frame that is bad.

Owns: the order of these, and which frame becomes an event. Must not know sources or sockets.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from edgectl.stack.camera import metrics
from edgectl.stack.camera.judge import Answer, Asks, Judge, by_rule
from edgectl.stack.camera.line import Frame, Line
from edgectl.stack.camera.motion import RULE_LEVEL
from edgectl.stack.camera.picture import look
from edgectl.stack.camera.settings import ALL, Settings
from edgectl.stack.inference.client import Unanswered
from edgectl.stack.ops.event import CANARY, DETECTIONS, EVENTS, FRAMES, Event, Seen, new_id
from edgectl.stack.ops.trace import span
from edgectl.wire.document import canonical

Wall = Callable[[], float]


class Canaries(Protocol):
    """Who follows canaries."""

    def passed(self, canary: str, hop: str) -> None:
        """Note that it is past a hop, now."""

    def stopped(self, canary: str, sentence: str) -> None:
        """Note that it goes no further, and why."""

    def publish(self, event: Event) -> None:
        """Put it on the bus."""


class Pace:
    """Which frames become events: by what is in them, and no more often than each camera may tell."""

    def __init__(self, mode: str, min_interval_seconds: float) -> None:
        self._mode, self._interval = mode, min_interval_seconds
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}

    def take(self, frame: Frame, answer: Answer) -> bool:
        """Tell whether this frame becomes an event; it is then the camera's last."""
        if self._mode != ALL and not answer.detections:
            return False
        with self._lock:
            before = self._told.get(frame.camera)
            # A clock that was set back makes nobody wait.
            if before is not None and 0 <= frame.at - before < self._interval:
                return False
            self._told[frame.camera] = frame.at
            return True


class Workers:
    """What all workers share. `put(id, topic, data)` keeps an event; `seen(topic, data)` tells drift of a frame."""

    def __init__(
        self,
        settings: Settings,
        line: Line,
        judge: Judge,
        canaries: Canaries,
        *,
        put: Callable[[str, str, bytes], None],
        seen: Callable[[str, bytes], Any],
        wall: Wall = time.time,
    ) -> None:
        self._settings, self._line, self._judge, self._canaries = settings, line, judge, canaries
        self._put, self._seen, self._wall = put, seen, wall
        self._pace = Pace(settings.events.mode, settings.events.min_interval_seconds)

    def run(self, client: Asks, stop: threading.Event) -> None:
        """Work until `stop`, in a thread of its own."""
        while not stop.is_set():
            frame = self._line.take(0.5)
            if frame is None:
                continue
            try:
                if frame.canary:
                    self.canary(client, frame)
                else:
                    self.frame(client, frame)
            except Exception as error:  # noqa: BLE001 - the next frame may be a better one
                sys.stderr.write(f"a frame of {frame.camera} could not be judged: {error!r}\n")

    def frame(self, client: Asks, frame: Frame) -> None:
        """Judge a camera's frame; tell drift, and the store if there is something to tell."""
        with span("camera.frame", camera=frame.camera) as trace:
            hops = {"camera": self._wall()}
            try:
                answer = self._judge.ask(client, frame.picture, trace)
                hops["inference"] = self._wall()
            except Unanswered:
                answer = by_rule(frame.motion, self._settings.cameras[frame.camera].motion or RULE_LEVEL)
            metrics.JUDGED.labels(frame.camera, answer.tier).inc()
            self._seen(f"{FRAMES}/{frame.camera}", canonical(seen_of(frame, answer)))
            if self._pace.take(frame, answer):
                event = self._event(frame, answer, hops, trace)
                self._put(event.id, f"{EVENTS}/{frame.camera}", canonical(event))
                metrics.EVENTS.labels(frame.camera, answer.tier).inc()

    def canary(self, client: Asks, frame: Frame) -> None:
        """Send a canary the same way."""
        with span("camera.canary") as trace:
            self._canaries.passed(frame.canary, "camera")
            hops = {"camera": self._wall()}
            try:
                answer = self._judge.ask(client, frame.picture, trace, surely=True)
            except Unanswered as error:
                self._canaries.stopped(frame.canary, str(error))
                return
            self._canaries.passed(frame.canary, "inference")
            hops["inference"] = self._wall()
            event = self._event(frame, answer, hops, trace)
            self._canaries.publish(replace(event, id=frame.canary, kind=CANARY))

    def _event(self, frame: Frame, answer: Answer, hops: dict[str, float], trace: str) -> Event:
        return Event(
            id=new_id(),
            at=frame.at,
            camera=frame.camera,
            source=self._settings.name,
            kind=DETECTIONS,
            model=answer.model,
            version=answer.version,
            tier=answer.tier,
            detections=answer.detections,
            trace=trace,
            hops=hops,
        )


def seen_of(frame: Frame, answer: Answer) -> Seen:
    """Return what drift needs of a frame; `extra`: whether it is the frame before, again, and the fast tier's word."""
    picture = look(frame.picture)
    extra: dict[str, Any] = {"frozen": frame.motion.same}
    if isinstance(answer.parameters.get("fast"), dict):
        extra["fast"] = answer.parameters["fast"]
    return Seen(
        frame.at,
        frame.camera,
        answer.model,
        answer.version,
        answer.tier,
        tuple(one.score for one in answer.detections),
        picture.brightness,
        picture.contrast,
        picture.sharpness,
        extra,
    )
