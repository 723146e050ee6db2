"""Whether a candidate does as well as what runs. Pure: numbers in, a word and a sentence out.

Owns: the thresholds' meaning, and when enough has been seen. Must not know where numbers come from, or time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BAD, MORE, GOOD = "bad", "more", "good"

_BINS = 10
_CLEARLY = 2.0
_LEAST_SECONDS = 0.005  # below it a ratio of times tells of the machine, not of the models


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a candidate must keep. Of frames: agreement at least, errors at most; p95 of times; PSI of scores."""

    agreement: float = 0.9
    latency_ratio: float = 2.0
    error_rate: float = 0.01
    drift: float = 0.25


@dataclass(frozen=True, slots=True)
class Figures:
    """What has been seen of both. `frames` were given to the candidate; `errors` of them have no answer of numbers."""

    frames: int = 0
    errors: int = 0
    disagreed: int = 0
    latency_ratio: float = 0.0
    drift: float = 0.0

    @property
    def agreement(self) -> float:
        """Of the frames that the candidate has answered, the part where both said the same."""
        answered = self.frames - self.errors
        return 1 - self.disagreed / answered if answered else 0.0

    @property
    def error_rate(self) -> float:
        """Of all frames."""
        return self.errors / self.frames if self.frames else 0.0


def judge(seen: Figures, limit: Thresholds, min_frames: int, *, over: bool = True) -> tuple[str, str]:
    """Return bad, more (too little has been seen) or good, and why.

    Errors and disagreements that not even a faultless rest could make good are bad before `min_frames`. A busy
    second makes no candidate slow: until its step is `over`, it must be twice as slow as may be.
    """
    at_least = max(seen.frames, min_frames)
    if seen.errors > limit.error_rate * at_least:
        return BAD, f"{seen.errors} of {seen.frames} frames failed (at most {limit.error_rate:.2%})"
    if seen.disagreed > round((1 - limit.agreement) * at_least, 9):
        return BAD, f"it agrees in {seen.agreement:.1%} of {seen.frames} frames (at least {limit.agreement:.1%})"
    if seen.frames < max(min_frames, 1):
        return MORE, f"{seen.frames} of {min_frames} frames"
    if not seen.latency_ratio <= limit.latency_ratio * (1 if over else _CLEARLY):
        return BAD, f"it takes {seen.latency_ratio:.2f} times as long at p95 (at most {limit.latency_ratio:.2f})"
    if not seen.drift <= limit.drift:
        return BAD, f"its scores have moved by {seen.drift:.2f} PSI (at most {limit.drift:.2f})"
    return GOOD, f"{seen.frames} frames, agreement {seen.agreement:.1%}, {seen.latency_ratio:.2f} times as long"


def slower(candidate: Sequence[float], current: Sequence[float]) -> float:
    """Return how many times as long the candidate takes, at p95 of seconds."""
    if not candidate or not current:
        return 0.0
    return max(p95(candidate), _LEAST_SECONDS) / max(p95(current), _LEAST_SECONDS)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not exceed."""
    ranked = sorted(values)
    return ranked[min(math.ceil(0.95 * len(ranked)), len(ranked)) - 1]


def psi(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the population stability index of two lots of scores (0 to 1): 0 alike, above 0.25 another population."""
    if not one or not other:
        return 0.0
    a, b = _shares(one), _shares(other)
    return sum((y - x) * math.log(y / x) for x, y in zip(a, b, strict=True))


def _shares(values: Sequence[float]) -> list[float]:
    counts = [0] * _BINS
    for value in values:
        counts[min(max(int(value * _BINS), 0), _BINS - 1)] += 1
    return [(count + 0.5) / (len(values) + 0.5 * _BINS) for count in counts]  # an empty bin is not impossible
