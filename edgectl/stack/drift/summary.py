"""What is told of one camera: the summary on the bus, and Prometheus' figures.

Owns: their shapes and names. Must not know how anything is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from edgectl.stack.drift.camera import Camera
from edgectl.stack.drift.distance import calibration_error
from edgectl.stack.drift.judgement import CAUSES, Finding
from edgectl.stack.drift.sample import STATISTICS, TIERS, Answers, Picture
from edgectl.stack.ops.event import RULE, Seen
from edgectl.stack.ops.metrics import counter, gauge
from edgectl.wire.document import to_json

TOPIC = "vision/drift"  # /CAMERA, retained
_HOUR, _HOURS = 3600, 24

FRAMES = counter("vision_drift_frames_total", "Frames that drift has taken in", ["camera"])
REFUSED = counter("vision_drift_refused_total", "Messages that are no frame, or of one camera too many")
DETECTED = counter("vision_drift_detections_total", "Detections of the models in these frames", ["camera"])
PSI = gauge("vision_drift_psi", "Population stability index of the scores against what was learnt", ["camera"])
KS = gauge("vision_drift_ks", "Largest distance of the cumulated scores from what was learnt", ["camera"])
ERROR = gauge(
    "vision_drift_calibration_error", "How far the fast tier's confidence is from the full tier's agreement", ["camera"]
)
TIER = gauge("vision_drift_tier_ratio", "Share of the frames that a tier has answered", ["camera", "tier"])
PICTURE = gauge("vision_drift_picture", "What the pictures are like, 0 to 1", ["camera", "statistic"])
LEARNT_PICTURE = gauge("vision_drift_picture_learnt", "What they were like at this hour", ["camera", "statistic"])
FROZEN = gauge("vision_drift_frozen_ratio", "Share of the frames that are the one before, again", ["camera"])
LEARNT = gauge("vision_drift_learnt_ratio", "How much of a day is learnt", ["camera"])
FOUND = gauge("vision_drift_found", "1 while this has moved, by its cause", ["camera", "cause"])
_OF_CAMERA = (FRAMES, DETECTED, PSI, KS, ERROR, TIER, PICTURE, LEARNT_PICTURE, FROZEN, LEARNT, FOUND)


class Hours:
    """How many frames and detections each of the last hours had."""

    def __init__(self) -> None:
        self._hours: deque[list[int]] = deque(maxlen=_HOURS)

    def take(self, seen: Seen, now: float) -> None:
        """Count a frame."""
        hour = int(now // _HOUR) * _HOUR
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append([hour, 0, 0])
        self._hours[-1][1] += 1
        self._hours[-1][2] += len(seen.scores) if seen.tier != RULE else 0

    def told(self) -> list[dict[str, int]]:
        """Return them, oldest first."""
        return [dict(zip(("at", "frames", "detections"), hour, strict=True)) for hour in self._hours]


def summary(camera: Camera, found: Sequence[Finding], hours: Hours, now: float) -> dict[str, Any]:
    """Return what is told of a camera on the bus (JSON). Figures are of the newest whole batch; null is "not known"."""
    version = camera.version
    answers = version.now if version else Answers()
    error = calibration_error(version.lately) if version else None
    moved = version.moved if version else None
    return {
        "at": round(now, 3),
        "version": version.name if version else "",
        "learnt": round(camera.learnt(), 3),
        "found": to_json(list(found)),
        "scores": {
            "psi": round(moved.psi, 4) if moved else None,
            "ks": round(moved.ks, 4) if moved else None,
            "bins": list(answers.scores),
            "per_frame": round(answers.rate, 4),
        },
        "calibration": {
            "error": None if error is None else round(error, 4),
            "bins": reliability(version.lately) if version else [],
        },
        "tiers": {tier: round(answers.share(tier), 4) if answers.frames else None for tier in TIERS},
        "picture": {
            **{name: _both(name, camera.now, camera.reference) for name in STATISTICS},
            "frozen": round(camera.now.frozen_share, 4) if camera.now.frames else None,
        },
        "hours": hours.told(),
    }


def reliability(answers: Answers) -> list[dict[str, float]]:
    """Return, per bin of the fast tier's confidence, how often the full tier agrees; empty bins are left out."""
    return [
        {"confidence": round(sure / asked, 4), "agreement": round(agreed / asked, 4), "frames": asked}
        for sure, asked, agreed in zip(answers.confidences, answers.asked, answers.agreed, strict=True)
        if asked
    ]


def show(name: str, doc: dict[str, Any]) -> None:
    """Set Prometheus' figures; one that is not known is left as it was, and absent before."""
    for figure, value in ((PSI, doc["scores"]["psi"]), (KS, doc["scores"]["ks"]), (ERROR, doc["calibration"]["error"])):
        if value is not None:
            figure.labels(name).set(value)
    for tier, share in doc["tiers"].items():
        if share is not None:
            TIER.labels(name, tier).set(share)
    for statistic in STATISTICS:
        for figure, value in zip((PICTURE, LEARNT_PICTURE), doc["picture"][statistic].values(), strict=True):
            if value is not None:
                figure.labels(name, statistic).set(value)
    if doc["picture"]["frozen"] is not None:
        FROZEN.labels(name).set(doc["picture"]["frozen"])
    LEARNT.labels(name).set(doc["learnt"])
    causes = {one["cause"] for one in doc["found"]}
    for cause in CAUSES:
        FOUND.labels(name, cause).set(cause in causes)


def hide(name: str) -> None:
    """Tell nothing of a camera any more."""
    for figure in _OF_CAMERA:
        figure.remove_by_labels({"camera": name})


def _both(name: str, now: Picture, reference: Picture | None) -> dict[str, float | None]:
    learnt = None if reference is None else round(getattr(reference, name).mean, 4)
    return {"now": round(getattr(now, name).mean, 4) if now.frames else None, "learnt": learnt}
