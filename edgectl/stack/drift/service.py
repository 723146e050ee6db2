"""The drift service, put together: frames from the bus in, findings to the board, the bus and Prometheus out.

Owns: which cameras there are (a bounded number), and when is reported and kept. Must not know how anything is judged.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from http import HTTPStatus
from pathlib import Path

from edgectl.stack.drift import memory, summary
from edgectl.stack.drift.camera import Camera, Memory
from edgectl.stack.drift.judgement import Finding, judge
from edgectl.stack.drift.settings import Settings
from edgectl.stack.drift.summary import Hours
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.bus import Bus, Taken
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.door import Answer, Route
from edgectl.stack.ops.event import FRAMES, RULE, Seen
from edgectl.wire.chain import INPUT, MODEL
from edgectl.wire.document import canonical, from_json

FILE = "drift.json"
LOOK_SECONDS = 2.0  # who asks soon after a deploy is told what is true then
_NAME = re.compile(r"[A-Za-z0-9._-]{1,63}")  # a topic, a label and a link at once
_ROUNDED = 1e-3  # by which a figure from 0 to 1 may be out of it


class Service:
    """`start` it, answer `routes` at the door, `end` it."""

    def __init__(self, settings: Settings, board: Board, clock: Clock, bus: Bus) -> None:
        self._settings, self._board, self._clock, self._bus = settings, board, clock, bus
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="report")
        self._cameras: dict[str, Camera] = {}
        self._hours: dict[str, Hours] = {}
        self._found: dict[str, tuple[Finding, ...]] = {}  # at the last report
        self._kept_at = clock.now()
        self._file = Path(settings.data) / FILE if Path(settings.data).is_dir() else None
        self.routes: dict[str, Route] = {"POST /learn": self.learn}
        self._remember()
        bus.subscribe(f"{FRAMES}/+", self.seen, qos=0)

    def start(self) -> None:
        """Begin."""
        self._bus.start()
        self.report()
        self._thread.start()

    def end(self) -> None:
        """End, and keep what was learnt."""
        self._stop.set()
        self._thread.join(2.0)
        self.keep()
        self._bus.stop()

    def seen(self, _: str, data: bytes, taken: Taken) -> None:
        """Take a frame in."""
        taken()
        seen = frame_of(data)
        if seen is None:
            summary.REFUSED.inc()
            return
        now = self._clock.now()
        with self._lock:
            camera = self._cameras.get(seen.camera)
            if camera is None:
                if len(self._cameras) >= self._settings.most_cameras:
                    summary.REFUSED.inc()
                    return
                camera = self._cameras[seen.camera] = Camera(self._settings.rules)
            camera.take(seen, now)
            self._hours.setdefault(seen.camera, Hours()).take(seen, now)
        summary.FRAMES.labels(seen.camera).inc()
        summary.DETECTED.labels(seen.camera).inc(len(seen.scores) if seen.tier != RULE else 0)

    def look(self) -> None:
        """Say on the board how far each camera is learnt, and what was found at the last report."""
        now = self._clock.now()
        with self._lock:
            left = {name: self._progress(camera, now) for name, camera in self._cameras.items()}
            learnt = {name: camera.learnt() for name, camera in self._cameras.items()}
        for name, progress in left.items():
            self._say(name, self._found.get(name, ()), progress, learnt[name])
        self._board.ready(reason=_watched(left))

    def report(self) -> None:
        """Judge all cameras, and tell of each."""
        now = self._clock.now()
        with self._lock:
            gone = [name for name, one in self._cameras.items() if now - one.last_at > self._settings.forget_seconds]
            for name in gone:
                del self._cameras[name]
                self._hours.pop(name, None)
            found = judge({name: camera.view() for name, camera in self._cameras.items()})
            told = {
                name: summary.summary(camera, found[name], self._hours.get(name, Hours()), now)
                for name, camera in self._cameras.items()
            }
            self._found = found
        for name in gone:
            self._board.drop(_link(name))
            summary.hide(name)
            self._bus.publish(f"{summary.TOPIC}/{name}", b"", retain=True)  # empty: no longer retained
        for name, doc in told.items():
            summary.show(name, doc)
            self._bus.publish(f"{summary.TOPIC}/{name}", canonical(doc), retain=True)
        self._board.fact("cameras", {name: {k: doc[k] for k in _FACTS} for name, doc in told.items()})
        self.look()

    def keep(self) -> None:
        """Write what was learnt, where there is a folder for it."""
        if self._file is None:
            return
        with self._lock:
            memories = {name: camera.memory() for name, camera in self._cameras.items()}
        wrong = memory.save(self._file, self._settings.rules.parts, memories)
        self._board.fact("kept", wrong or str(self._file))
        self._kept_at = self._clock.now()

    def learn(self, body: bytes) -> Answer:
        """Forget a camera, so that it is learnt anew: it was moved, or what it sees is so from now on."""
        try:
            doc = json.loads(body)
            name = doc["camera"]
        except (ValueError, KeyError, TypeError):
            return HTTPStatus.BAD_REQUEST, {"error": 'the body is {"camera": NAME}'}
        with self._lock:
            if name not in self._cameras:
                return HTTPStatus.NOT_FOUND, {"error": f"no camera {name!r} has sent a frame"}
            self._cameras[name] = Camera(self._settings.rules)
            self._cameras[name].last_at = self._clock.now()
        self.report()
        return HTTPStatus.OK, {"learns": name}

    def _remember(self) -> None:
        known: dict[str, Memory] = {}
        why = "no folder to keep it in"
        given = Path(self._settings.reference) if self._settings.reference else None
        for file in filter(None, (self._file, given)):
            known, why = memory.load(file, self._settings.rules.parts)
            if known:
                why = f"began with {file}"
                break
        sys.stderr.write(f"what was learnt: {why}\n")
        self._board.fact("memory", why)
        for name, kept in list(known.items())[: self._settings.most_cameras]:
            self._cameras[name] = Camera(self._settings.rules, kept)
            self._cameras[name].last_at = self._clock.now()

    def _progress(self, camera: Camera, now: float) -> str:
        """Return how far this part of the day is learnt, "" where it is."""
        left, rules = camera.left(now), self._settings.rules
        if left is None:
            return ""
        frames, seconds = min(left[0], rules.learn_frames), min(left[1], rules.learn_seconds)
        told = f"{frames:,} of {rules.learn_frames:,} frames"
        # Frames are there soon: then it is the time that is waited for.
        return told if frames < rules.learn_frames else f"{seconds / 60:.0f} of {rules.learn_seconds / 60:.0f} min"

    def _say(self, name: str, found: tuple[Finding, ...], progress: str, learnt: float) -> None:
        if found:
            kind = INPUT if any(one.kind == INPUT for one in found) else MODEL
            self._board.degraded(_link(name), "; ".join(one.sentence for one in found), kind)
        elif progress:
            self._board.ready(_link(name), f"learning: {progress}; {learnt:.0%} of a day is learnt")
        elif learnt < 1:
            self._board.ready(_link(name), f"as it was learnt; {learnt:.0%} of a day is")
        else:
            self._board.ready(_link(name), "as it was learnt")

    def _run(self) -> None:
        reported = self._clock.monotonic()
        while not self._clock.wait(min(LOOK_SECONDS, self._settings.report_seconds), self._stop):
            if self._clock.monotonic() - reported < self._settings.report_seconds:
                self.look()
                continue
            reported = self._clock.monotonic()
            self.report()
            if self._clock.now() - self._kept_at >= self._settings.keep_seconds:
                self.keep()


_FACTS = ("version", "learnt", "found", "tiers", "picture")


def frame_of(data: bytes) -> Seen | None:
    """Return a frame as it may be counted; None for anything else, whoever has published it."""
    try:
        seen = from_json(Seen, json.loads(data))
        fast = seen.extra.get("fast")
        sure = float(fast["score"]) if isinstance(fast, dict) else 0.0
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    figures = (*seen.scores, sure, seen.brightness, seen.contrast, seen.sharpness)
    # Not a number fits in nowhere; what is far out of 0 to 1 would drown all that was learnt.
    fits = all(-_ROUNDED <= figure <= 1 + _ROUNDED for figure in figures)
    return seen if fits and _NAME.fullmatch(seen.camera) else None


def _watched(left: dict[str, str]) -> str:
    """Return how many cameras are watched, and how far the slowest of those is that are being learnt."""
    if not left:
        return "no camera has sent a frame yet"
    many = f"{len(left)} camera{'s' if len(left) > 1 else ''}"
    learning = {name: progress for name, progress in left.items() if progress}
    if not learning:
        return f"{many}, {'all ' if len(left) > 1 else ''}as learnt"
    name, progress = next(iter(learning.items()))
    if len(left) == 1:
        return f"{many}, learning: {progress}"
    return f"{many}, {len(learning)} learning ({name}: {progress})"


def _link(camera: str) -> str:
    return f"camera:{camera}"
