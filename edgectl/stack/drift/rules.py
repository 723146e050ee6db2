"""How much of a camera's frames is a batch, how much is learnt, and what a part of the day is.

Owns: these numbers and their defaults. A batch and a reference need frames *and* seconds: one busy minute is not the
hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.stack.drift.moved import Limits
from edgectl.stack.drift.sample import Answers, Picture

DAY, HOURS = 86400.0, 24


@dataclass(frozen=True, slots=True)
class Rules:
    """`batches`: so many, one after the other, before something is said, or taken back."""

    parts: int = 24  # of the day (UTC): each has a reference of its own, since light and customers follow the hour
    learn_frames: int = 300
    learn_seconds: float = 1800.0
    batch_frames: int = 100
    batch_seconds: float = 300.0
    batches: int = 3
    succession_seconds: float = DAY  # so long a new version is compared with the one before it
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 1 <= self.parts <= HOURS or min(self.learn_frames, self.batch_frames, self.batches) < 1:
            raise ValueError("rules: parts is 1 to 24; learn_frames, batch_frames and batches are 1 or more")

    def learnt(self, reference: Picture | Answers) -> bool:
        """Tell whether this is enough to compare with."""
        return reference.frames >= self.learn_frames and reference.seconds >= self.learn_seconds

    def full(self, frames: int, seconds: float) -> bool:
        """Tell whether a batch is whole."""
        return frames >= self.batch_frames and seconds >= self.batch_seconds


def part_of(at: float, parts: int) -> str:
    """Return which part of the day (UTC) it is, as a key."""
    return str(int(at % DAY * parts // DAY))
