"""A candidate's trial: how much of the traffic it gets, what has been seen of it, and when it has passed or failed.

Owns: rollout.json as the node writes it, the steps and their soak by the service's clock. What is judged, and how, is
judge.py's. Must not know sessions or queues.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from edgectl.stack.inference.judge import BAD, GOOD, Figures, Thresholds, judge, psi, slower
from edgectl.stack.ops.clock import Clock
from edgectl.wire.document import from_json

CANARY, SHADOW, BLUE_GREEN = STRATEGIES = ("canary", "shadow", "blue-green")
LOADING, RUNNING, PASSED, FAILED = "loading", "running", "passed", "failed"
_KEPT = 2000  # times and scores of each version
_EVERY = 25  # frames after which these are looked at: sorting them at each batch would cost as much as the models


@dataclass(frozen=True, slots=True)
class Plan:
    """What rollout.json says. `candidate` is a version's folder, `soak_seconds` how long each step lasts at least."""

    id: str
    strategy: str
    candidate: str
    version: str
    steps: tuple[int, ...] = (5, 25, 50)
    soak_seconds: float = 600.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    min_frames: int = 50
    since: float = 0.0


def plan_of(doc: Any) -> Plan:
    """Read rollout.json; ValueError says what is wrong. Keys that are the node's own matter are passed over."""
    if not isinstance(doc, dict):
        raise ValueError("rollout.json is no object")
    known = {item.name for item in fields(Plan)}
    plan = from_json(Plan, {key: value for key, value in doc.items() if key in known})
    if plan.strategy not in STRATEGIES:
        raise ValueError(f"strategy {plan.strategy!r} is none of {', '.join(STRATEGIES)}")
    if not plan.candidate or "/" in plan.candidate or plan.candidate.startswith("."):
        raise ValueError(f"candidate {plan.candidate!r} is no version's folder")
    if plan.strategy == CANARY and not (plan.steps and all(0 < step <= 100 for step in plan.steps)):  # noqa: PLR2004
        raise ValueError("steps of a canary are percents from 1 to 100")
    return plan


@dataclass(frozen=True, slots=True)
class Compared:
    """What one batch has told of both: seconds of each, and frame by frame agreement and sureness of each."""

    seconds: float
    candidate_seconds: float
    agreed: Sequence[bool]
    sure: Sequence[float] = ()
    candidate_sure: Sequence[float] = ()
    errors: int = 0  # frames that the candidate gave no numbers for; none of them is in `agreed`


class Trial:
    """Safe to use from many threads. Its word moves on by what is `record`ed and with time (`tick`)."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.plan, self._clock = plan, clock
        self._lock = threading.Lock()
        self._word, self._reason = LOADING, f"{plan.version} is being loaded"
        self._step = 0
        self._asked = 0
        self._total = self._frames = 0
        self._begin()

    @property
    def word(self) -> str:
        """Return loading, running, passed or failed."""
        return self._word

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return self._reason

    @property
    def percent(self) -> int:
        """How many of a hundred questions the candidate answers."""
        return self.plan.steps[self._step] if self.plan.strategy == CANARY and self.alive else 0

    @property
    def alive(self) -> bool:
        """Whether the candidate is to be asked."""
        return self._word in {RUNNING, PASSED}

    def start(self) -> None:
        """Begin: the candidate is loaded."""
        with self._lock:
            if self._word == LOADING:
                self._word, self._reason = RUNNING, "no frame yet"
                self._begin()

    def restart(self) -> None:
        """Begin anew: what it is compared with has changed. What has failed stays so."""
        with self._lock:
            if self.alive:
                self._word, self._reason, self._step = RUNNING, "no frame yet", 0
                self._begin()

    def fail(self, reason: str) -> None:
        """End it, for good."""
        with self._lock:
            self._word, self._reason = FAILED, reason

    def passed(self, reason: str) -> None:
        """End it well: there is nothing to try."""
        with self._lock:
            self._word, self._reason = PASSED, reason

    def next(self) -> tuple[bool, bool]:
        """Say of the next question whether the candidate is asked, too, and whether its answer is the one given."""
        with self._lock:
            percent = self.percent
            if self.plan.strategy != CANARY or not percent:
                return self.alive, False
            self._asked += 1
            picked = self._asked * percent // 100 > (self._asked - 1) * percent // 100  # evenly, not by chance
            return picked, picked

    def beside(self, seconds: float) -> None:
        """Take how long the current version took for a batch while the candidate was busy with another: as it will."""
        with self._lock:
            self._seconds.append(seconds)

    def record(self, seen: Compared) -> None:
        """Take what a batch has told."""
        with self._lock:
            before, frames = self._frames, len(seen.agreed) + seen.errors
            self._frames, self._total = before + frames, self._total + frames
            self._errors += seen.errors
            self._disagreed += sum(not one for one in seen.agreed)
            if not seen.errors:
                self._seconds.append(seen.seconds)
                self._candidate_seconds.append(seen.candidate_seconds)
            self._sure.extend(seen.sure)
            self._candidate_sure.extend(seen.candidate_sure)
            if self._frames // _EVERY != before // _EVERY:
                self._measure()
            self._judge()

    def tick(self) -> None:
        """Let time pass."""
        with self._lock:
            self._measure()
            self._judge()

    def facts(self) -> dict[str, Any]:
        """Return what the node reads of it; frames and figures are those of this step."""
        with self._lock:
            seen = self._figures()
            return {
                "id": self.plan.id,
                "word": self._word,
                "strategy": self.plan.strategy,
                "version": self.plan.version,
                "step": self._step + 1,
                "percent": self.percent,
                "frames": seen.frames,
                "frames_total": self._total,
                "agreement": round(seen.agreement, 4),
                "latency_ratio": round(seen.latency_ratio, 3),
                "error_rate": round(seen.error_rate, 4),
                "drift": round(seen.drift, 4),
                "reason": self._reason,
            }

    def _begin(self) -> None:
        self._began = self._clock.monotonic()
        self._frames = self._errors = self._disagreed = 0
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self._candidate_seconds: deque[float] = deque(maxlen=_KEPT)
        self._sure: deque[float] = deque(maxlen=_KEPT)
        self._candidate_sure: deque[float] = deque(maxlen=_KEPT)
        self._measure()

    def _measure(self) -> None:
        self._slower = slower(self._candidate_seconds, self._seconds)
        self._drift = psi(self._sure, self._candidate_sure)

    def _figures(self) -> Figures:
        return Figures(self._frames, self._errors, self._disagreed, self._slower, self._drift)

    def _judge(self) -> None:
        if not self.alive:
            return
        left = self.plan.soak_seconds - (self._clock.monotonic() - self._began)
        word, reason = judge(self._figures(), self.plan.thresholds, self.plan.min_frames, over=left <= 0)
        if word == BAD:
            self._word, self._reason = FAILED, reason
            return
        if word == GOOD and left <= 0 and self._word == RUNNING:
            if self.plan.strategy == CANARY and self._step + 1 < len(self.plan.steps):
                self._step += 1
                self._begin()
                word, reason, left = "", f"step {self._step + 1} begins", 0.0
            else:
                self._word = PASSED
        if self._word == RUNNING and left > 0:
            reason = f"{reason}; {left:.0f} s of this step are left"
        self._reason = reason
