"""How far one batch has moved from its reference: the picture, by a word; the answers, by two distances. Pure.

Owns: the limits, and the sentences with the figures. A strength of 1 has moved, less than CALM is well, between them
is neither. Must not know how often it must be so, nor why it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.stack.drift.distance import ks, ks_by_chance, psi, tiers_moved
from edgectl.stack.drift.sample import BRIGHTNESS, CONTRAST, SHARPNESS, Answers, Moments, Picture
from edgectl.stack.ops.event import RULE

DARK, BRIGHT, BLURRED, FOGGED = "dark", "too bright", "blurred", "without contrast"
FROZEN, FLICKERS = "frozen", "flickering"
CALM = 0.6

_LOST = 0.5  # of brightness, contrast or sharpness, as a share of the reference's
_SURE = 3.0  # standard deviations of the reference: what its own hours have shown is no move
_LEANS = 0.4  # a strength: a fifth of the reference's
_FROZEN, _FLICKER, _LEAST = 0.9, 0.05, 0.01
_TIERS = 0.3  # of the frames, answered by another tier: worth a word


@dataclass(frozen=True, slots=True)
class Limits:
    """When answers have moved: both distances must be reached."""

    psi: float = 0.25
    ks: float = 0.15
    least_frames: int = 30
    least_scores: int = 30
    rate_lost: float = 0.1  # of the reference's detections per frame: below it they are gone


@dataclass(frozen=True, slots=True)
class Moved:
    """One comparison. `word`: what the picture is, "" for answers. `leans`: how else the picture is not the same."""

    strength: float
    word: str = ""
    sentence: str = ""
    leans: str = ""
    psi: float = 0.0
    ks: float = 0.0


def picture(reference: Picture, now: Picture, limits: Limits) -> Moved | None:
    """Compare pictures; None with too few. The first word that holds causes the next: the dark is blurred, too."""
    if min(now.frames, reference.frames) < limits.least_frames:
        return None
    jump, usual = now.flicker.mean, reference.flicker.mean
    rise = now.brightness.mean - reference.brightness.mean
    room = max(_LOST * (1 - reference.brightness.mean), _SURE * reference.brightness.deviation, _LEAST)
    found = (
        ((now.frozen_share - reference.frozen_share) / _FROZEN, FROZEN, f"{now.frozen_share:.0%} of the frames"),
        ((jump - usual) / max(2 * usual, _FLICKER), FLICKERS, f"brightness jumps by {jump:.3f}, not {usual:.3f}"),
        _lost(BRIGHTNESS, reference.brightness, now.brightness, DARK),
        (rise / room, BRIGHT, _figures(BRIGHTNESS, reference.brightness, now.brightness)),
        _lost(CONTRAST, reference.contrast, now.contrast, FOGGED),
        _lost(SHARPNESS, reference.sharpness, now.sharpness, BLURRED),
    )
    leans = "; ".join(figures for strength, _, figures in found if strength >= _LEANS)
    for strength, word, figures in found:
        if strength >= 1:
            return Moved(strength, word, f"{word} ({figures})", leans)
    return Moved(max(strength for strength, _, _ in found), leans=leans)


def answers(reference: Answers, now: Answers, limits: Limits) -> Moved | None:
    """Compare answers; None with too few, or where no model answers (the rule tier does)."""
    if now.frames < limits.least_frames or now.share(RULE) > 1 / 2:
        return None
    if _gone(reference, now, limits):
        figures = f"{now.rate:.2f} detections per frame, not {reference.rate:.2f}"
        return Moved(1.0, sentence=f"hardly anything is detected ({figures})")
    n, m = sum(reference.scores), sum(now.scores)
    if min(n, m) < limits.least_scores:
        return None
    far, wide = psi(reference.scores, now.scores), ks(reference.scores, now.scores)
    strength = min(far / limits.psi, wide / max(limits.ks, ks_by_chance(n, m)))
    figures = f"PSI {far:.2f}, KS {wide:.2f}"
    tiers = tiers_moved(reference, now)
    if tiers >= _TIERS:
        figures += f", {tiers:.0%} of the frames answered by another tier"
    return Moved(strength, sentence=f"its scores have moved ({figures})", psi=far, ks=wide)


def _gone(reference: Answers, now: Answers, limits: Limits) -> bool:
    expected = reference.rate * now.frames
    return expected >= limits.least_scores and now.rate < limits.rate_lost * reference.rate


def _lost(name: str, reference: Moments, now: Moments, word: str) -> tuple[float, str, str]:
    room = max(_LOST * reference.mean, _SURE * reference.deviation, _LEAST)
    return (reference.mean - now.mean) / room, word, _figures(name, reference, now)


def _figures(name: str, reference: Moments, now: Moments) -> str:
    return f"{name} {now.mean:.2f}, not {reference.mean:.2f}"
