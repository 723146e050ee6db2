"""What is kept of many frames: sums and histograms of a fixed size, of the picture and of the model's answers.

Owns: these two shapes, that they add up (a reference is a sum of batches), and how one frame goes in. Must not know
what is compared with what.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from edgectl.stack.ops.event import FAST, FULL, RULE, Seen

BINS = 10  # of scores and of confidences, 0 to 1
TIERS = (FULL, FAST, RULE)
BRIGHTNESS, CONTRAST, SHARPNESS, FLICKER = STATISTICS = ("brightness", "contrast", "sharpness", "flicker")

Counts = tuple[float, ...]
_NONE: Counts = (0.0,) * BINS


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares of one figure."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """0 where nothing was counted."""
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return max(self.squares / self.count - self.mean**2, 0.0) ** 0.5 if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """What the pictures of one camera are like. `flicker`: how much the brightness jumps from frame to frame."""

    frames: int = 0
    seconds: float = 0.0
    frozen: int = 0  # frames that are the one before, again
    brightness: Moments = Moments()
    contrast: Moments = Moments()
    sharpness: Moments = Moments()
    flicker: Moments = Moments()

    def __add__(self, other: Picture) -> Picture:
        return Picture(
            self.frames + other.frames,
            self.seconds + other.seconds,
            self.frozen + other.frozen,
            *(getattr(self, name) + getattr(other, name) for name in STATISTICS),
        )

    @property
    def frozen_share(self) -> float:
        """0 to 1."""
        return self.frozen / self.frames if self.frames else 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """How one version of a model has answered one camera. Scores of the rule tier are nobody's and are not in it.

    `confidences`, `asked`, `agreed`: of frames that both tiers have answered, by the fast tier's confidence.
    """

    frames: int = 0
    seconds: float = 0.0
    detections: int = 0
    scores: Counts = _NONE
    tiers: Counts = (0.0,) * len(TIERS)
    confidences: Counts = _NONE
    asked: Counts = _NONE
    agreed: Counts = _NONE

    def __add__(self, other: Answers) -> Answers:
        return Answers(
            self.frames + other.frames,
            self.seconds + other.seconds,
            self.detections + other.detections,
            *(
                tuple(a + b for a, b in zip(getattr(self, name), getattr(other, name), strict=True))
                for name in ("scores", "tiers", "confidences", "asked", "agreed")
            ),
        )

    @property
    def rate(self) -> float:
        """Detections per frame that a model has answered."""
        answered = self.frames - self.tiers[TIERS.index(RULE)]
        return self.detections / answered if answered else 0.0

    def share(self, tier: str) -> float:
        """Return a tier's share of the frames."""
        return self.tiers[TIERS.index(tier)] / self.frames if self.frames else 0.0


@dataclass(slots=True)
class Watched:
    """A `Picture` while it grows, frame by frame."""

    began: float
    picture: Picture = field(default_factory=Picture)

    def take(self, seen: Seen, before: Seen | None, now: float) -> None:
        """Add a frame; `before`: the one before it from the same camera."""
        figures = (seen.brightness, seen.contrast, seen.sharpness)
        was = (before.brightness, before.contrast, before.sharpness) if before else None
        said = seen.extra.get("frozen")
        same = said if isinstance(said, bool) else figures == was  # a sensor's noise never gives three equal figures
        jump = _one(abs(seen.brightness - before.brightness)) if before else Moments()
        self.began = min(self.began, now)  # a clock that was set back
        brightness, contrast, sharpness = map(_one, figures)
        self.picture += Picture(1, 0.0, int(same), brightness, contrast, sharpness, jump)

    def ended(self, now: float) -> Picture:
        """Return the whole of it."""
        return self.picture + Picture(seconds=max(now - self.began, 0.0))


@dataclass(slots=True)
class Heard:
    """`Answers` while they grow, frame by frame."""

    began: float
    frames: int = 0
    scores: list[float] = field(default_factory=lambda: [*_NONE])
    tiers: Counter[str] = field(default_factory=Counter)
    confidences: list[float] = field(default_factory=lambda: [*_NONE])
    asked: list[float] = field(default_factory=lambda: [*_NONE])
    agreed: list[float] = field(default_factory=lambda: [*_NONE])

    def take(self, seen: Seen, now: float) -> None:
        """Add a frame."""
        self.began = min(self.began, now)
        self.frames += 1
        self.tiers[seen.tier] += 1
        if seen.tier != RULE:
            for score in seen.scores:
                self.scores[bin_of(score)] += 1
        both = seen.extra.get("fast")
        if isinstance(both, dict):
            confidence = min(max(float(both["score"]), 0.0), 1.0)
            where = bin_of(confidence)
            self.asked[where] += 1
            self.agreed[where] += bool(both.get("agreed"))
            self.confidences[where] += confidence

    def ended(self, now: float) -> Answers:
        """Return the whole of it."""
        return Answers(
            self.frames,
            max(now - self.began, 0.0),
            int(sum(self.scores)),
            tuple(self.scores),
            tuple(float(self.tiers[tier]) for tier in TIERS),
            tuple(self.confidences),
            tuple(self.asked),
            tuple(self.agreed),
        )


def bin_of(value: float) -> int:
    """Return which of the bins a number from 0 to 1 falls in."""
    return min(max(int(value * BINS), 0), BINS - 1)


def _one(value: float) -> Moments:
    return Moments(1, value, value * value)
