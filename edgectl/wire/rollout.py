"""A version of a model beside the one that runs, before it takes its place: how it is declared, and how it is told.

Owns: the shapes of models/NAME/rollout.json (the node writes it, the inference service reads it) and of what the
service answers about it. Must not know who judges, nor who acts on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CANARY, BLUE_GREEN, SHADOW = STRATEGIES = ("canary", "blue-green", "shadow")
RECREATE = "recreate"  # no rollout: the switch at once
AUTO, BY_HAND = "auto", "by-hand"
LOADING, RUNNING, PASSED, FAILED = "loading", "running", "passed", "failed"
_MOST_WORD, _MOST_REASON = 20, 300
STEPS, SOAK_SECONDS, MIN_FRAMES, GIVE_UP_SECONDS = (5, 25, 50), 600.0, 50, 86400.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a candidate is held against: `agreement` at least, the others at most."""

    agreement: float = 0.9  # of its answers with those of the version that runs, 0 to 1
    latency_ratio: float = 2.0  # of its latency to that of the version that runs
    error_rate: float = 0.01
    drift: float = 0.25


@dataclass(frozen=True, slots=True)
class Rollout:
    """How versions of a model come to run, as declared."""

    strategy: str
    steps: tuple[int, ...] = STEPS  # percent of the requests, one after the other; for a canary
    soak_seconds: float = SOAK_SECONDS  # how long each step lasts, and a shadow or blue-green altogether
    thresholds: Thresholds = Thresholds()
    min_frames: int = MIN_FRAMES  # before it is judged
    promote: str = AUTO
    give_up_seconds: float = GIVE_UP_SECONDS


@dataclass(frozen=True, slots=True)
class Order:
    """rollout.json: what the inference service is to do. `candidate` is a folder among versions, `since` in epochs."""

    id: str
    strategy: str
    candidate: str
    version: str
    steps: tuple[int, ...]
    soak_seconds: float
    thresholds: Thresholds
    min_frames: int
    since: float

    @property
    def takes_seconds(self) -> float:
        """How long it lasts, where enough frames come."""
        return self.soak_seconds * (len(self.steps) if self.strategy == CANARY else 1)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the service says of a rollout; figures that it has not measured yet are None."""

    id: str
    word: str  # loading | running | passed | failed
    percent: float = 0.0
    frames: int = 0
    agreement: float | None = None
    latency_ratio: float | None = None
    error_rate: float | None = None
    drift: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RolloutLook:
    """A rollout as a node tells of it. `trouble` says why the service was not heard; `left_seconds` is at least."""

    strategy: str
    version: str
    beside: str
    steps: tuple[int, ...]
    since: str
    left_seconds: float
    min_frames: int
    promote: str = AUTO
    who: str = ""  # a person; "" where a deploy has begun it
    progress: Progress | None = None
    trouble: str = ""

    def sentences(self) -> tuple[str, ...]:
        """Say it to a person."""
        by = f", begun by {self.who}" if self.who else ""
        since = f"{self.strategy} {self.version} beside {self.beside}, since {self.since} UTC{by}"
        if self.progress is None:
            return (since, f"not heard of yet{': ' + self.trouble if self.trouble else ''}")
        deaf = (f"not heard now: {self.trouble}",) if self.trouble else ()
        return (since, self._stands(self.progress), *deaf)

    def _stands(self, now: Progress) -> str:
        said = [now.word]
        if self.strategy == CANARY:
            at = next((number for number, step in enumerate(self.steps, 1) if step == now.percent), 0)
            said += [f"{now.percent:g} % (step {at} of {len(self.steps)})"] if at else []
        said.append(f"{now.frames:,} frames" if now.frames >= self.min_frames else _few(now.frames, self.min_frames))
        if now.frames and now.agreement is not None:
            said.append(f"agreement {now.agreement:.2f}")
        if now.frames and now.latency_ratio is not None:
            said.append(f"latency {now.latency_ratio:.1f} x")
        if now.reason and now.word not in {LOADING, RUNNING}:
            said.append(now.reason)
        if now.word == PASSED:
            said.append("edgectl models promote lets it take over" if self.promote == BY_HAND else "it takes over now")
        elif now.word in {LOADING, RUNNING}:
            said.append(f"{_length(self.left_seconds)} to go" if self.left_seconds else "about to be judged")
        return ", ".join(said)


def progress_of(facts: dict[str, Any]) -> Progress | None:
    """Return what a service's facts say of its rollout; None where they say nothing that can be read."""
    found = facts.get("rollout")
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        return None
    figures = {name: _number(found.get(name)) for name in ("agreement", "latency_ratio", "error_rate", "drift")}
    return Progress(
        found["id"],
        _line(found.get("word"), _MOST_WORD),
        _number(found.get("percent")) or 0.0,
        int(_number(found.get("frames")) or 0),
        **figures,
        reason=_line(found.get("reason"), _MOST_REASON),
    )


def _number(value: object) -> float | None:
    """Return a number that is one: what cannot be read is not measured."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _line(value: object, most: int) -> str:
    """Return one printable line: it goes to terminals and journals, and a service may be anybody's own."""
    text = " ".join(str(value or "")[: 4 * most].split())
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:most]


def _few(frames: int, least: int) -> str:
    return f"{frames} of {least} frames"


def _length(seconds: float) -> str:
    minutes = -(-int(seconds) // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004 - an hour
