"""A synthetic store: cameras whose light follows the hour and whose customers come by day, and what can befall them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

from edgectl.stack.drift.camera import Camera
from edgectl.stack.drift.judgement import Finding, judge
from edgectl.stack.drift.rules import Rules
from edgectl.stack.ops.event import FAST, FULL, Seen

MONDAY = 1764547200.0  # 2025-12-01, midnight
HOUR, DAY = 3600.0, 86400.0
CAMERAS = ("aisle", "door", "till")
EACH = 10.0  # seconds from frame to frame: a motion gate, decimated

Change = Callable[[Seen, random.Random], Seen]


class Store:
    """Runs cameras through time; `told` keeps when which findings began and ended."""

    def __init__(self, cameras: tuple[str, ...] = CAMERAS, seed: int = 1, rules: Rules | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a stream that is the same each time
        self.cameras = {name: Camera(rules or Rules()) for name in cameras}
        self.now = MONDAY
        self.version = dict.fromkeys(cameras, "1")
        self.found: dict[str, tuple[Finding, ...]] = {}
        self.told: list[tuple[float, str, str]] = []  # when, camera, cause ("" for well again)

    def run(self, seconds: float, changes: dict[str, Change] | None = None, each: float = EACH) -> Store:
        """Go on for so long; `changes` by camera."""
        end = self.now + seconds
        while self.now < end:
            self.now += each
            for name, camera in self.cameras.items():
                seen = self.frame(name)
                if changes and name in changes:
                    seen = changes[name](seen, self.random)
                camera.take(seen, self.now)
            self._judge()
        return self

    def frame(self, camera: str) -> Seen:
        """Return a frame as it usually is at this hour."""
        draw, hour = self.random, self.now % DAY / HOUR
        day = max(math.sin((hour - 6) / 24 * 2 * math.pi), 0.0)
        people = sum(draw.random() < 0.1 + 0.4 * day for _ in range(3))
        scores = tuple(min(max(draw.gauss(0.8, 0.08), 0.0), 1.0) for _ in range(people))
        cloud = 0.04 * math.sin(self.now / 5000 + len(camera))
        return Seen(
            at=self.now,
            camera=camera,
            model="detector",
            version=self.version[camera],
            tier=FAST if draw.random() < 0.8 else FULL,
            scores=scores,
            brightness=0.4 + 0.15 * day + cloud + draw.gauss(0, 0.01),
            contrast=0.2 + draw.gauss(0, 0.01),
            sharpness=0.3 + draw.gauss(0, 0.02),
        )

    def causes(self, camera: str) -> list[str]:
        """Return what is found at a camera now."""
        return [one.cause for one in self.found.get(camera, ())]

    def _judge(self) -> None:
        before, self.found = self.found, judge({name: camera.view() for name, camera in self.cameras.items()})
        for name in self.cameras:
            was, now = ([one.cause for one in found.get(name, ())] for found in (before, self.found))
            if was != now:
                self.told.append((self.now, name, ",".join(now)))


def dark(seen: Seen, _: random.Random) -> Seen:
    """Put a cap on the lens: nothing is sharp or sure."""
    return lower(replace(seen, brightness=seen.brightness * 0.15, contrast=0.03, sharpness=0.04), _)


def fouled(seen: Seen, draw: random.Random) -> Seen:
    """Grease on the lens: less sharp, and the model is less sure."""
    return lower(replace(seen, sharpness=seen.sharpness * 0.3), draw)


def fogged(seen: Seen, _: random.Random) -> Seen:
    return replace(seen, contrast=seen.contrast * 0.3)


def glare(seen: Seen, _: random.Random) -> Seen:
    return replace(seen, brightness=0.9)


def frozen(seen: Seen, _: random.Random) -> Seen:
    """One picture, again and again."""
    return replace(seen, brightness=0.44, contrast=0.2, sharpness=0.3, scores=(0.81,))


def flicker(seen: Seen, draw: random.Random) -> Seen:
    return replace(seen, brightness=seen.brightness + draw.choice((-0.15, 0.15)))


def lower(seen: Seen, draw: random.Random) -> Seen:
    """Send customers whom the model has not learnt: it is less sure."""
    return replace(seen, scores=tuple(max(score - 0.25 + draw.gauss(0, 0.05), 0.0) for score in seen.scores))


def nothing(seen: Seen, _: random.Random) -> Seen:
    """Let the model detect nothing any more."""
    return replace(seen, scores=())


def slightly_dimmed(seen: Seen, draw: random.Random) -> Seen:
    """Too little for a word, and the scores follow."""
    return lower(replace(seen, brightness=seen.brightness * 0.68), draw)
