"""One question on its way: it waits for its answer until its deadline, and takes the first one that it is given.

Owns: who wins when the candidate's answer, the current version's and the deadline come close together. Must not know
models or HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from edgectl.stack.inference.protocol import Array
from edgectl.stack.inference.scores import Both

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a version has said to one question."""

    outputs: dict[str, Array]
    tier: str
    model: str
    version: str
    folder: str
    candidate: bool = False
    fast: Both | None = None  # where both tiers have answered


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a version has said nothing to one question, in one sentence."""

    sentence: str


class Late(Exception):
    """The deadline came first."""


class Job:
    """Safe to settle and to wait for from different threads.

    `full`: of the large model; `judged`: the candidate is asked, too; `picked`: its answer is the one that is given.
    """

    def __init__(
        self,
        arrays: dict[str, Array],
        *,
        deadline: float,
        full: bool = False,
        judged: bool = False,
        picked: bool = False,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.arrays, self.deadline, self.full, self.judged, self.picked = arrays, deadline, full, judged, picked
        self.rows = min((len(array) for array in arrays.values() if array.ndim), default=1)
        shapes = tuple(sorted((name, array.shape[1:]) for name, array in arrays.items()))
        self.key: Hashable = (shapes, picked, judged)  # only what is equal here may run as one
        self.arrived = monotonic()
        self._monotonic = monotonic
        self._cond = threading.Condition()
        self._outcome: Answered | Failed | None = None
        self._backup: Answered | Failed | None = None
        self._backup_at = 0.0

    @property
    def settled(self) -> bool:
        """Whether it has its answer."""
        return self._outcome is not None

    def settle(self, outcome: Answered | Failed) -> bool:
        """Answer it; False when it has its answer already."""
        with self._cond:
            if self._outcome is not None:
                return False
            self._outcome = outcome
            self._cond.notify_all()
            return True

    def keep(self, outcome: Answered | Failed, *, until: float) -> None:
        """Answer it so at `until`, if nobody has settled it before."""
        with self._cond:
            self._backup, self._backup_at = outcome, until
            self._cond.notify_all()

    def wait(self) -> Answered | Failed:
        """Return the answer; Late when there is none at the deadline."""
        with self._cond:
            while self._outcome is None:
                now = self._monotonic()
                until = self.deadline if self._backup is None else min(self.deadline, self._backup_at)
                if now >= until:
                    if self._backup is None:
                        raise Late
                    self._outcome = self._backup
                    break
                self._cond.wait(until - now)
            return self._outcome
