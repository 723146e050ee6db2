"""What strikes the store, drawn from a seed: the same seed is the same storm.

Owns: which events there are and how they are drawn. Must not know how they are done to a store.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

REBOOT, CUT, KILL, LATE, SICK = "reboot", "power cut", "plugin kill", "plugin late", "GPU unhealthy"
RESTART, RELOAD, DRIVER, UVM = "k3s restart", "daemon-reload", "driver late", "uvm missing"
IMAGE, DEPLOY, DELETE = "gate image gone", "deploy", "pod deletion"
KINDS = (REBOOT, CUT, KILL, LATE, SICK, RESTART, RELOAD, DRIVER, UVM, IMAGE, DEPLOY)
BOOTS = frozenset({REBOOT, CUT})

SHORT_SECONDS, LONG_SECONDS = 40.0, 90.0  # the longest that a plugin or driver is late
SHORT_STORM = 12


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `by`: what strikes with it or after it; `seconds`: how late, how long, or when."""

    number: int
    kind: str
    by: str = ""
    seconds: float = 0.0
    which: str = ""  # of SICK: "all" or an index

    @property
    def boots(self) -> bool:
        """Whether the node boots in it."""
        return bool({self.kind, self.by} & BOOTS)

    @property
    def registers(self) -> bool:
        """Whether the device plugin has to register with the kubelet again."""
        return self.boots or bool({self.kind, self.by} & {KILL, RESTART})

    def __str__(self) -> str:
        parts = [self.kind]
        if self.which:
            parts.append(f"({self.which})")
        if self.seconds:
            parts.append(f"{self.seconds:.0f} s")
        if self.by:
            parts.append(f"+ {self.by}")
        return " ".join(parts)


def draw(seed: int, count: int, *, only: tuple[str, ...] = (), longest: float = 0.0) -> tuple[Event, ...]:
    """Draw a storm: every kind once if there are enough events, then any; in any order."""
    rng = random.Random(seed)  # noqa: S311 - a storm that can be repeated, no secret
    kinds = list(only or KINDS)
    rng.shuffle(kinds)
    chosen = (kinds + [rng.choice(kinds) for _ in range(count)])[:count]
    rng.shuffle(chosen)
    limit = longest or (SHORT_SECONDS if count <= SHORT_STORM else LONG_SECONDS)
    return tuple(_detailed(rng, number, kind, limit) for number, kind in enumerate(chosen, start=1))


def _detailed(rng: random.Random, number: int, kind: str, limit: float) -> Event:
    late = round(rng.uniform(0, limit), 1)
    if kind == LATE:
        return Event(number, kind, rng.choice((REBOOT, CUT, KILL)), late)
    if kind == DRIVER:
        return Event(number, kind, rng.choice((REBOOT, CUT)), late)
    if kind == UVM:
        return Event(number, kind, rng.choice((REBOOT, CUT)), round(rng.uniform(5, limit / 2), 1))
    if kind == SICK:
        return Event(number, kind, "", round(rng.uniform(3, limit / 2), 1), rng.choice(("all", "0", "1")))
    if kind == IMAGE:
        return Event(number, kind, rng.choice((REBOOT, DELETE)))
    if kind == DEPLOY:  # `seconds`: how long after the press the other one strikes
        return Event(number, kind, rng.choice((REBOOT, CUT, KILL, RESTART, RELOAD)), round(rng.uniform(0.5, 8), 1))
    return Event(number, kind)
