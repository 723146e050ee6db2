"""Dynamic batching: questions wait a moment for company, and those of one shape run as one.

Owns: who runs with whom, in which order, how long anybody waits for others, and how many may wait at all. Must not
know what a model is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.stack.inference.job import Job, Monotonic


class Full(Exception):
    """Too many wait already."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How it is done. `most` counts frames (1: each question runs alone), `room` questions that wait."""

    most: int = 8
    delay_seconds: float = 0.002
    room: int = 64


def pick(waiting: Sequence[Job], most: int) -> list[Job]:
    """Return who runs next: the one that has waited longest, and those after it that fit, in their order."""
    if not waiting:
        return []
    first, frames = waiting[0], 0
    chosen: list[Job] = []
    for job in waiting:
        if job.key != first.key:
            continue
        if chosen and frames + job.rows > most:
            break  # nobody overtakes one of its own kind
        chosen.append(job)
        frames += job.rows
    return chosen


class Line:
    """The questions that wait. Many threads put, one takes."""

    def __init__(self, batching: Batching, *, monotonic: Monotonic = time.monotonic) -> None:
        self._batching, self._monotonic = batching, monotonic
        self._waiting: list[Job] = []
        self._cond = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, job: Job) -> None:
        """Let it wait; Full when there is no room."""
        with self._cond:
            if self._closed or len(self._waiting) >= self._batching.room:
                raise Full
            self._waiting.append(job)
            self._cond.notify()

    def take(self) -> list[Job]:
        """Return those that run next, when it is time; nobody when the line is closed. Whose deadline is over goes."""
        with self._cond:
            while not self._closed:
                now = self._monotonic()
                self._waiting = [job for job in self._waiting if job.deadline > now]
                chosen = pick(self._waiting, self._batching.most)
                if not chosen:
                    self._cond.wait()
                    continue
                frames = sum(job.rows for job in chosen)
                more = chosen[0].arrived + self._batching.delay_seconds - now
                if frames >= self._batching.most or more <= 0 or len(chosen) < self._alike(chosen[0]):
                    self._waiting = [job for job in self._waiting if job not in chosen]
                    return chosen
                self._cond.wait(more)
            return []

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._cond:
            self._closed = True
            self._cond.notify_all()

    def _alike(self, first: Job) -> int:
        return sum(job.key == first.key for job in self._waiting)
