"""How far two distributions are apart, and how far a confidence is from the truth it claims. Pure.

Owns: the formulas, and their noise: few frames lie apart by chance alone, which is no drift.
"""

from __future__ import annotations

import math
from itertools import accumulate

from edgectl.stack.drift.sample import TIERS, Answers, Counts

_SMALLEST = 0.0005  # what an empty bin counts as: PSI has no logarithm of nothing


def psi(reference: Counts, now: Counts) -> float:
    """Return the population stability index, less what chance alone gives samples of these sizes; never below 0.

    0.1 is little, 0.25 is much. By chance it is (bins - 1) * (1/n + 1/m) on average.
    """
    n, m = sum(reference), sum(now)
    if not n or not m:
        return 0.0
    expected = [max(count / n, _SMALLEST) for count in reference]
    actual = [max(count / m, _SMALLEST) for count in now]
    raw = sum((a - e) * math.log(a / e) for e, a in zip(expected, actual, strict=True))
    used = sum(bool(a or b) for a, b in zip(reference, now, strict=True))
    return max(raw - (used - 1) * (1 / n + 1 / m), 0.0)


def ks(reference: Counts, now: Counts) -> float:
    """Return the largest distance of the cumulated shares: Kolmogorov-Smirnov's, as exact as the bins are."""
    n, m = sum(reference), sum(now)
    if not n or not m:
        return 0.0
    return max(abs(a / n - b / m) for a, b in zip(accumulate(reference), accumulate(now), strict=True))


def ks_by_chance(n: float, m: float) -> float:
    """Return what `ks` exceeds by chance once in a thousand times."""
    return 1.95 * math.sqrt((n + m) / (n * m)) if n and m else 1.0


def calibration_error(answers: Answers) -> float | None:
    """Return how far the fast tier's confidence is from how often the full tier agrees with it (0 to 1).

    An expected calibration error with the full tier in the place of the truth, which nobody labels in a store: per bin
    of confidence, |mean confidence - share of agreement|, weighted by its frames. None: no frame had both answers.
    """
    total = sum(answers.asked)
    if not total:
        return None
    parts = zip(answers.confidences, answers.agreed, strict=True)
    return sum(abs(confidence - agreed) for confidence, agreed in parts) / total


def tiers_moved(reference: Answers, now: Answers) -> float:
    """Return what share of the frames is answered by another tier than it was."""
    if not reference.frames or not now.frames:
        return 0.0
    return sum(abs(reference.share(tier) - now.share(tier)) for tier in TIERS) / 2
